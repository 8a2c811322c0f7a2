#!/usr/bin/env bash
# Times a training step of each method beside the floor, and PyTorch's floor beside ours: MiniLM-L6,
# 16 rows of 128 tokens, k = 20,000.
#
# usage: bash scripts/bench.sh [BENCH-FLAG...]   (after `make build`; the flags go to gopet bench)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$(bash third_party/fetch.sh python-oracles)
model=$(bash third_party/fetch.sh model)
bin/gopet bench --model "$model" --python "$python" "$@"
