#!/usr/bin/env bash
# Sets what gopet plan predicts beside what gopet bench measures: peak memory and the time of a step of
# every method, on MiniLM-L6 and on a T5 of random weights, in two shapes. Calibrates first.
#
# usage: bash scripts/bench_plan.sh --tokenizer DIR [--steps N]   (after `make build`; DIR has a T5's tokenizer)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tokenizer="" steps=7
while (($# > 0)); do
  case $1 in
    --tokenizer) tokenizer=$2 ;;
    --steps) steps=$2 ;;
    *) echo "bench_plan: unknown option $1" >&2 && exit 2 ;;
  esac
  shift 2
done
[[ -n $tokenizer ]] || { echo "bench_plan: no --tokenizer given" >&2 && exit 2; }
model=$(bash third_party/fetch.sh model)
bash scripts/random_t5.sh -out "$work/t5" -tokenizer "$tokenizer" -v1.1 -d_model 512 -d_kv 64 -num_heads 6 -d_ff 1024 -num_layers 4
python3 scripts/bench_plan.py --steps "$steps" MiniLM-L6="$model" T5="$work/t5"
