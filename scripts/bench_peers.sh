#!/usr/bin/env bash
# Times gopet's steps beside those of transformers, peft and PyTorch, and writes docs/benchmarks.md.
# The whole takes some forty minutes on two cores, which should have nothing else to do.
#
# usage: bash scripts/bench_peers.sh [--out DIR] [--resume] [SECTION]...   (after `make build`)
#   SECTION    minilm prompted budget sst2 mrpc bfloat16 t5 t5-full
#              bert; all of them unless some are named
#   --out DIR  where each section's JSON is kept: $GOPET_CACHE/benchmarks unless told otherwise; the
#              document has a section for each file that is there
#   --resume   leaves out sections that have a file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${GOPET_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOPET_CACHE to a folder for downloads}/.cache}/gopet}

all=(minilm prompted budget sst2 mrpc bfloat16 t5 t5-full bert)
declare -A titles=(
  [minilm]='MiniLM-L6, full rows'
  [prompted]='MiniLM-L6, rows as long as behind a prompt of 100 vectors: the floor of prompt tuning'
  [budget]='MiniLM-L6: how much APET tunes, and layers computed again'
  [sst2]='MiniLM-L6, rows of SST-2'
  [mrpc]='MiniLM-L6, rows of MRPC'
  [bfloat16]='MiniLM-L6 in bfloat16'
  [t5]='A T5 1.1 of the base shape'
  [t5-full]='The same T5, tuned whole'
  [bert]='A BERT of the base shape'
)

out=$cache/benchmarks resume='' sections=()
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=${2:?--out DIR} && shift ;;
    --resume) resume=yes ;;
    *)
      [ -n "${titles[$1]:-}" ] || {
        echo "bench_peers: no section $1; there are ${all[*]}" >&2
        exit 2
      }
      sections+=("$1")
      ;;
  esac
  shift
done
[ ${#sections[@]} -gt 0 ] || sections=("${all[@]}")
mkdir -p "$out"

python=$(bash third_party/fetch.sh python-oracles)
minilm=$(bash third_party/fetch.sh model)

# data NAME is a data set of GLUE, on this disk or on the Hub.
data() { if [ -d "../shared/data/$1" ]; then echo "../shared/data/$1"; else echo "nyu-mll/glue:$1"; fi; }

# Models of random weights. Rows are made up, so any tokenizer will do.
random_t5() {
  local dir=$cache/models/random-t5-v1.1-base
  [ -d "$dir" ] || bash scripts/random_t5.sh -out "$dir" -tokenizer "$minilm" -v1.1 -d_model 768 -d_kv 64 -num_heads 12 \
    -d_ff 2048 -num_layers 12 >&2
  echo "$dir"
}
random_bert() {
  local dir=$cache/models/random-bert-base
  [ -d "$dir" ] || "$python" scripts/random_bert.py "$dir" "$minilm" >&2
  echo "$dir"
}

bench() { bin/gopet bench --json --python "$python" "$@"; }

section() {
  local apet=apet-discrete:0.2% pair=apet-discrete:0.2%,lora:all-linear
  case $1 in
    minilm) bench --peers --model "$minilm" --shape 16x128 --methods "full,$pair,lora:qv,bitfit,prompt,adapter" ;;
    prompted) bench --peers --model "$minilm" --shape 16x228 --methods bitfit ;;
    budget)
      local methods='' share
      for share in 0.02 0.2 1 10; do methods+=,apet-discrete:$share%,apet-adjacent:$share%; done
      bench --model "$minilm" --shape 16x128 --methods "${methods#,},$apet:checkpoint,lora:all-linear,lora:all-linear:checkpoint"
      ;;
    sst2) bench --peers --model "$minilm" --data "$(data sst2)" --task sst2 --batch 32 --methods "full,$pair" ;;
    mrpc) bench --peers --model "$minilm" --data "$(data mrpc)" --task mrpc --batch 32 --methods "$pair" ;;
    bfloat16) bench --peers --model "$minilm" --shape 16x128 --dtype bfloat16 --methods "full,$pair,$apet:float32" ;;
    t5) bench --peers --model "$(random_t5)" --shape 4x64 --methods "$pair" ;;
    t5-full) bench --peers --model "$(random_t5)" --shape 4x64 --methods "$apet,full" ;;
    bert) bench --peers --model "$(random_bert)" --shape 4x64 --methods "full,$pair" ;;
  esac
}

for name in "${sections[@]}"; do
  if [ -n "$resume" ] && [ -f "$out/$name.json" ]; then
    continue
  fi
  echo "bench_peers: ${titles[$name]}" >&2
  section "$name" >"$out/$name.json.part"
  mv "$out/$name.json.part" "$out/$name.json"
done

found=()
for name in "${all[@]}"; do
  [ ! -f "$out/$name.json" ] || found+=("${titles[$name]}=$out/$name.json")
done
environment=$(bash third_party/setup.sh --env)
eval "$environment"
go run ./train/bench/benchdoc -out docs/benchmarks.md "${found[@]}"
