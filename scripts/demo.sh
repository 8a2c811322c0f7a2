#!/usr/bin/env bash
# Tunes all-MiniLM-L6-v2 on the eight topics of Reuters-21578 R8, with 20,000 of its weights and with
# none, and prints a table.
#
# usage: bash scripts/demo.sh [TRAIN-FLAG...]   (after `make build`; the flags go to gopet train)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

model=$(bash third_party/fetch.sh model)
reuters=$(bash third_party/fetch.sh data)
data=demo/reuters-r8

if [ ! -d "$data" ]; then
  bin/gopet data import --train "$reuters/reuters-r8-train.tab" --test "$reuters/reuters-r8-test.tab" \
    --validation 0.1 --out "$data"
fi

runs=()
for k in 0 20000; do
  run=demo/runs/k$k
  rm -rf "$run"
  bin/gopet train --model "$model" --data "$data" --task classify --text Text --label Category \
    --method apet-discrete --params "$k" --max-length 48 --epochs 1 --eval-every 52 --baselines=false --out "$run" "$@" \
    >/dev/null
  runs+=("$run")
done

echo
bin/gopet compare "${runs[@]}"

cat <<NEXT

Try next:
  bin/gopet eval --model "$model" --adapter demo/runs/k20000/adapter --data "$data"   # the score of every topic
  echo '{"Text": "opec ministers agree to cut oil output"}' |
    bin/gopet predict --model "$model" --adapter demo/runs/k20000/adapter
  bin/gopet train --help
NEXT
