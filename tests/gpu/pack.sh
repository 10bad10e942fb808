#!/usr/bin/env bash
# Put what `python -m tests.gpu` needs on a machine without a network into one folder:
#
#   tests/gpu/pack.sh [FOLDER [DATA [MODELS]]]      default: .gpu, and what stands in ../shared
#
# There, beside the checkout, with a python3 that has NumPy, OpenCV, h5py, JAX or PyTorch:
#
#   tests/gpu/unpack.sh FOLDER --output OUT
#
# PYTHON_THERE is the version of that python3, 3.12 unless set.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-.gpu} data=${2:-../shared/data/cifar10-jpg.tar.xz} models=${3:-../shared/models}
python=${PYTHON:-python3}

rm -rf "$folder"
mkdir -p "$folder"/{wheels,models}
cp "$data" "$folder/"
cp "$models"/{badnet_square4.keras,resnet18.py,resnet18_square4.*.npz} "$folder/models/"
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$folder/wheels" .
platforms=()
for age in manylinux_2_{39,35,34,31,28,27,24,17}_x86_64 manylinux{2014,1}_x86_64; do
    platforms+=(--platform "$age")
done
# Of bdaudit's dependencies those that machines with JAX and PyTorch lack; ml-dtypes, rich and the
# like come with these.
"$python" -m pip download --quiet --no-deps --only-binary=:all: --implementation cp \
    --python-version "${PYTHON_THERE:-3.12}" "${platforms[@]}" --dest "$folder/wheels" \
    keras namex optree securesystemslib cryptography cffi pycparser \
    jsonschema jsonschema-specifications referencing rpds-py
du -h --apparent-size "$folder"/* "$folder"/wheels/*
echo "$(du -s --apparent-size --block-size=1M "$folder" | cut -f1) MiB in $folder"
