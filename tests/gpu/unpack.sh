#!/usr/bin/env bash
# On the machine with the GPU: install what pack.sh has put into FOLDER, and run all of it.
#
#   tests/gpu/unpack.sh FOLDER [ARGUMENTS of `python -m tests.gpu`]
#
# bdaudit goes into an environment of its own, on top of what PYTHON (python3) already has: its
# workers are isolated, and see what is installed only.
set -euo pipefail
folder=$(realpath "$1")
shift
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m venv --without-pip "$place"
own=$("$place/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# Not --system-site-packages: of an environment's python3 that would be another Python's packages.
"$python" -c 'import site
for folder in site.getsitepackages():
    print(f"import site; site.addsitedir({folder!r})")' >"$own/below.pth"
"$python" -m pip install --quiet --no-index --no-deps --no-cache-dir \
    --target "$own" "$folder"/wheels/*.whl
PYTHONUNBUFFERED=1 "$place/bin/python" -m tests.gpu --models "$folder/models" \
    --data "$(ls "$folder"/*.tar.xz)" "$@"
