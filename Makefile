# make demo   a small BadNet trained, scanned and certified, in ./demo
# make test   every test
# make lint   ruff, mypy --strict, import directions
# make bench  speed and memory, written to tests/benchmarks/results
#
# Each sets up what it needs on a fresh Debian or Ubuntu machine: system libraries (with apt-get, as
# root or through sudo), a virtual environment in .venv, and the Python packages in it.

PYTHON ?= python3
BIN := .venv/bin
LIBRARIES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core libgl1 libglib2.0-0
BROWSER := chromium chromium-driver poppler-utils

.PHONY: demo test lint bench clean libraries browser

demo: libraries .venv/demo
	$(BIN)/bdaudit demo --output demo --force

test: libraries browser .venv/dev
	$(BIN)/python -m pytest

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: libraries .venv/dev .venv/bench
	$(BIN)/python -m tests.benchmarks

libraries:
	@sh .ci/apt-install $(LIBRARIES)

browser:
	@sh .ci/apt-install $(BROWSER) || echo "no Chromium: the browser tests will be skipped" >&2

.venv/%: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "bdaudit needs Python 3.11 or newer; try make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null && test -x .venv/bin/pip \
		|| { sh .ci/apt-install python3-venv && $(PYTHON) -m venv --clear .venv; }

clean:
	rm -rf .venv demo dist
