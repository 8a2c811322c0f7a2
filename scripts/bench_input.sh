#!/usr/bin/env bash
# Measures the way from Parquet to batches of tokens, its memory, and the time to the first step beside
# Hugging Face's datasets and transformers, and writes docs/benchmarks-input.md.
#
# usage: bash scripts/bench_input.sh [ROUNDS]   (after `make build`; a quarter of an hour)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
shared=../shared/data
if [ ! -d "$shared/sst2" ] || [ ! -d "$shared/qnli" ]; then
  echo "bench-input: no data to measure with: $shared lacks sst2 and qnli" >&2
  exit 1
fi
python=$(bash third_party/fetch.sh python-bench)
model=$(bash third_party/fetch.sh model)
go build -o bin/inputbench ./data/internal/inputbench
"$python" scripts/bench_input.py bin "$model" "$shared" "${1:-6}" docs/benchmarks-input.md
