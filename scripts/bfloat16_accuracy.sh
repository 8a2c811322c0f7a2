#!/usr/bin/env bash
# Measures what tuning in bfloat16 costs in accuracy, and writes docs/bfloat16.md.
#
# usage: bash scripts/bfloat16_accuracy.sh   (after `make build`; ten minutes)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
sst2=../shared/data/sst2
[ -d "$sst2" ] || {
  echo "bfloat16_accuracy: no data to tune on: $sst2 is missing" >&2
  exit 1
}
python=$(bash third_party/fetch.sh python-bench)
model=$(bash third_party/fetch.sh model)
"$python" scripts/bfloat16_accuracy.py bin/gopet "$model" "$sst2" docs/bfloat16.md
