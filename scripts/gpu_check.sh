#!/usr/bin/env bash
# Checks gopet on a machine with a GPU: builds the shim and the kernels against the torch of python3,
# runs what make gpu-bundle compiled, and writes one JSON of what passed, failed and was measured.
#
# usage: bash scripts/gpu_check.sh [FILE]   (in the unpacked bundle; FILE defaults to gpu_check.json)
#
# Needs a CUDA device, nvcc, g++, CMake, make and a python3 with torch 2.11; neither Go nor a network.
#   NVCC=FILE   the compiler (default: nvcc on the PATH, else /usr/local/cuda/bin/nvcc)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export GOPET_CACHE=${GOPET_CACHE:-$root/cache}
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"
report=$(realpath -m "${1:-$root/gpu_check.json}")
logs=$root/logs
cd "$root"

find_tools() {
  require g++ cmake make python3
  NVCC=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
  [ -x "$NVCC" ] || die "no nvcc: $NVCC cannot be run; set NVCC to the compiler of a CUDA toolkit"
  export NVCC
  [ -x bin/gopet ] || die "$root holds no bin/gopet: run this in the folder that make gpu-bundle packed"
}

# From /, because Python looks in the current folder first, and ours has a folder torch.
find_device() {
  local said
  said=$(cd / && python3 -c '
import torch
assert torch.cuda.is_available(), "torch sees no CUDA device"
print(torch.cuda.get_device_name(0))' 2>&1) || die "no GPU to check: ${said##*$'\n'}"
  say "checking on $said with torch of $(command -v python3)"
}

# step NAME COMMAND... runs one part, keeps what it prints, and goes on.
step() {
  local name=$1 status=0 begin=$SECONDS
  shift
  say "$name"
  "$@" >"$logs/$name.log" 2>&1 || status=$?
  printf '%s\t%d\t%d\n' "$name" "$status" $((SECONDS - begin)) >>"$logs/steps"
  [ "$status" -eq 0 ] || say "$name FAILED ($status): $logs/$name.log"
}

test_package() ( # PACKAGE, in whose folder its tests expect to run
  cd "$root/$1"
  GOPET_TEST_DEVICE=cuda "$root/tests/${1//\//-}.test" -test.timeout 20m
)

# The kernels' results against libtorch's, under the tool that sees what they read and write.
sanitize() {
  command -v compute-sanitizer >/dev/null || {
    echo 'compute-sanitizer is not installed'
    return 77
  }
  compute-sanitizer --error-exitcode 1 --tool "$1" bin/gopet doctor --device cuda --json
}

# Models of base's shapes and random weights. Rows are made up, so their tokenizer is never asked.
make_models() {
  mkdir -p random/words
  printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' words >random/words/vocab.txt
  echo '{"tokenizer_class": "BertTokenizer"}' >random/words/tokenizer_config.json
  rm -rf random/t5 random/bert
  bin/randomt5 -out random/t5 -tokenizer random/words -v1.1 -d_model 768 -d_kv 64 -num_heads 12 -d_ff 2048 -num_layers 12 || return
  ! has_peers || (cd / && python3 "$root/scripts/random_bert.py" "$root/random/bert" "$root/random/words")
}

has_peers() { (cd / && python3 -c 'import peft, safetensors, transformers' 2>/dev/null); }

# bench MODEL SHAPE [FLAG...] times steps, beside transformers and peft where Python has them.
bench() {
  local model=random/$1 shape=$2
  shift 2
  [ -d "$model" ] || {
    echo "$model takes transformers to make"
    return 77
  }
  if has_peers; then set -- --peers --python python3 "$@"; fi
  bin/gopet bench --json --device cuda --dtype bfloat16 --model "$model" --shape "$shape" "$@"
}

# compiled MODEL SHAPE has torch.compile's peers too, apart: it wants more of the machine.
compiled() {
  has_peers || {
    echo 'there are no peers to compile'
    return 77
  }
  bench "$@" --compile --methods apet-discrete:0.2%,lora:all-linear
}

write_report() {
  (cd / && python3 - "$logs" "$report") <<'PY'
import json, pathlib, platform, sys
import torch

logs, report = map(pathlib.Path, sys.argv[1:])
steps = {}
for line in (logs / "steps").read_text().splitlines():
    name, status, seconds = line.split("\t")
    steps[name] = {"status": int(status), "seconds": int(seconds)}
    if int(status) not in (0, 77):
        steps[name]["tail"] = (logs / f"{name}.log").read_text(errors="replace")[-4000:]
def printed(name):
    """The JSON among what a step has printed; None where there is none."""
    text = (logs / f"{name}.log").read_text(errors="replace")
    try:
        return json.loads(text[text.index("\n{") if not text.startswith("{") else 0 : text.rindex("}") + 1])
    except ValueError:
        return None

gpu = torch.cuda.get_device_properties(0)
report.write_text(json.dumps({
    "gpu": gpu.name,
    "compute_capability": f"{gpu.major}.{gpu.minor}",
    "memory": gpu.total_memory,
    "torch": torch.__version__,
    "cuda": torch.version.cuda,
    "python": platform.python_version(),
    "steps": steps,
    "doctor": printed("doctor"),
    "benchmarks": {name: printed(name) for name in steps if name.startswith("bench-")},
}, indent=1) + "\n")
PY
}

find_tools
find_device
rm -rf "$logs"
mkdir -p "$logs"
export CUDA=1 LIBTORCH_USE_PYTORCH=1
say "building the shim and the kernels (minutes)"
bash third_party/setup.sh --link lib >"$logs/setup.log" 2>&1 || die "set-up failed: $(tail -n 1 "$logs/setup.log") (log: $logs/setup.log)"
step doctor bin/gopet doctor --device cuda --json
while IFS= read -r package; do
  step "test-${package//\//-}" test_package "$package"
done <tests/packages
step memcheck sanitize memcheck
step racecheck sanitize racecheck
step models make_models
for shape in 1x128 8x128 32x128; do
  for model in bert t5; do
    step "bench-$model-$shape" bench "$model" "$shape" --methods apet-discrete:0.2%,apet-adjacent:0.2%,lora:all-linear,full
    step "bench-$model-$shape-compiled" compiled "$model" "$shape"
  done
done
write_report
say "wrote $report"
! awk -F '\t' '$2 != 0 && $2 != 77 { bad = 1 } END { exit !bad }' "$logs/steps"
