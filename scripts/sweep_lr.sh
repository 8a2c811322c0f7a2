#!/usr/bin/env bash
# Measures which peak learning rate suits which k, on a short run: the loss on the validation split of
# the demo's data after 100 steps. The rule in pet/apet/learningrate.go is drawn through its minima.
#
# usage: bash scripts/sweep_lr.sh MODEL DATA > sweep.tsv   (after `make build`)
set -euo pipefail
model=$1 data=$2
gopet=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/bin/gopet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf 'method\tk\tlr\tvalidation_loss\tvalidation_accuracy\n'
for method in apet-discrete apet-adjacent; do
  for k in 0 200 2000 20000 200000; do
    if [ "$method.$k" = apet-adjacent.0 ]; then continue; fi # the same as apet-discrete's
    for lr in 3e-3 1e-2 3e-2 1e-1; do
      run=$work/$method.$k.$lr
      "$gopet" train --model "$model" --data "$data" --task classify --text Text --label Category \
        --method "$method" --params "$k" --lr "$lr" --max-length 32 --steps 100 --threads "${THREADS:-0}" \
        --out "$run" >/dev/null 2>&1
      python3 -c '
import json, sys
best = json.load(open(sys.argv[1] + "/result.json"))["best"]["scores"]
print(*sys.argv[2:], "%.4f" % best["loss"], "%.4f" % best["accuracy"], sep="\t")' "$run" "$method" "$k" "$lr"
    done
  done
done
