#!/usr/bin/env bash
# Tunes all-MiniLM-L6-v2 on the eight topics of Reuters-21578 R8, with 20,000 of its weights and with
# none, and prints a table.
#
# usage: bash scripts/demo.sh [TRAIN-FLAG...]   (after `make build`; the flags go to gopet train)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t fetched < <(bash third_party/fetch.sh model data)
model=${fetched[0]} reuters=${fetched[1]} data=demo/reuters-r8

if [ ! -d "$data" ]; then
  bin/gopet data import --train "$reuters/reuters-r8-train.tab" --test "$reuters/reuters-r8-test.tab" \
    --validation 0.1 --out "$data"
fi

for k in 20000 0; do
  run=demo/runs/k$k
  rm -rf "$run"
  echo "Tuning k = $k entries and the head:" >&2
  bin/gopet train --model "$model" --data "$data" --task classify --text Text --label Category \
    --method apet-discrete --params "$k" --max-length 128 --epochs 2 --eval-every 100 --out "$run" "$@" \
    >/dev/null
done

python3 - "$model" demo/runs/k20000 demo/runs/k0 <<'PY'
import json, math, struct, sys

model, *runs = sys.argv[1:]
with open(model + "/model.safetensors", "rb") as f:
    header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
weights = sum(math.prod(t["shape"]) for n, t in header.items() if n != "__metadata__" and t["dtype"] != "I64")

row = "{:<14} {:>7} {:>9} {:>11} {:>7} {:>10} {:>12}  {}"
print()
print(row.format("method", "k", "share", "validation", "test", "samples/s", "peak memory", "run"))
for run in runs:
    with open(run + "/result.json") as f:
        r = json.load(f)
    k = r["trainable"]["method"]
    print(row.format(
        r["method"], f"{k:,}", f"{k / weights:.3%}", f"{r['best']['value']:.4f}", f"{r['test']['accuracy']:.4f}",
        f"{r['samples_per_second']:.1f}", f"{r['peak_memory_bytes'] / 2**20:.0f} MiB", run))
PY

cat <<NEXT

Next:
  bin/gopet predict --model "$model" --adapter demo/runs/k20000/adapter --task classify --in rows.jsonl
  bin/gopet train --help
NEXT
