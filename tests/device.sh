#!/bin/bash
# What a GPU has to show, in under 8 minutes: tests/device.sh [FOLDER] writes FOLDER/device.json and FOLDER/device.log.
# It needs a copy of the tree and torch, numpy, rich, click and matplotlib; the tests of CUDA need pytest too.
set -u
folder=$(mkdir -p "${1:-device}" && cd "${1:-device}" && pwd)
cd "$(dirname "$0")/.." || exit 1
python=${PYTHON:-python3}
[ -x .venv/bin/python ] && [ -z "${PYTHON:-}" ] && python=.venv/bin/python
PYTHONPATH=. timeout --kill-after=10 470 "$python" -m tests.device "$folder" 2>&1 | tee "$folder/device.log"
exit "${PIPESTATUS[0]}"
