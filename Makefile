# make demo        a small BadNet trained, scanned, repaired and certified, in ./demo
# make test        every test but the long ones; says at its end which took longest
# make test-long   fuzzing, kills, the demo, long runs in small, ten thousand photographs
# make lint        ruff, mypy --strict, import directions
# make bench       speed and memory, written to tests/benchmarks/results
#
# Each sets up what it needs on a fresh Debian or Ubuntu machine: system libraries (with apt-get, as
# root or through sudo), a virtual environment in .venv, and the Python packages in it. The libraries
# that are measured against need other versions of some, so make bench has .venv-bench.
# Photographs for it: BDAUDIT_PHOTOGRAPHS, a folder of class folders train/ and test/; else noise.

PYTHON ?= python3
VENV := .venv
BIN = $(VENV)/bin
LIBRARIES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core libgl1 libglib2.0-0
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 10
BROWSER := chromium chromium-driver poppler-utils

.PHONY: demo test test-long lint bench clean libraries browser

demo: libraries $(VENV)/demo
	$(BIN)/bdaudit demo --output demo --force

test: libraries browser $(VENV)/dev
	$(BIN)/python -m pytest $(PARALLEL) -m "not long"

test-long: libraries browser $(VENV)/dev
	$(BIN)/python -m pytest $(PARALLEL) -m long

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: VENV := .venv-bench
bench: libraries
	@$(MAKE) --no-print-directory VENV=$(VENV) $(VENV)/bench
	$(BIN)/python -m tests.benchmarks

libraries:
	@sh .ci/apt-install $(LIBRARIES)

browser:
	@sh .ci/apt-install $(BROWSER) || echo "no Chromium: the browser tests will be skipped" >&2

$(VENV)/%: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "TensorFlow comes for Python 3.11 to 3.13; try make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null && test -x $(BIN)/pip \
		|| { sh .ci/apt-install python3-venv && $(PYTHON) -m venv --clear $(VENV); }

clean:
	rm -rf .venv .venv-bench .venv-wheel demo dist
