#!/usr/bin/env bash
# Makes every golden file again with the pinned Python packages and compares it with the committed one.
#
# usage: bash scripts/parity.sh [PART]...   (after make build; only scripts whose path has a PART in it)
# shellcheck disable=SC2329 # parity calls the functions
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$(bash third_party/fetch.sh python-oracles)
minilm=$(bash third_party/fetch.sh model)
export HF_HUB_OFFLINE=1

l6=(--checkpoint "minilm-l6=$minilm") l3=()
shared=../shared/checkpoints/minilm-l3
if [ -d "$shared" ]; then
  l3=(--checkpoint "minilm-l3=$shared")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts=("$@")
summary=()
failed=0

# parity HOW SCRIPT ARGUMENT... compares what the script makes and notes how that ended.
parity() {
  local what=$2 start=$SECONDS ended=agrees
  [ "$1" != prints ] || what+=" > ${3##*/}"
  wanted "$what" || return 0
  printf 'parity: %s\n' "$what"
  "$@" || ended=differs failed=1
  summary+=("$(printf '%-7s %4d s  %s' "$ended" $((SECONDS - start)) "$what")")
}

wanted() {
  local part
  for part in "${parts[@]}"; do [[ $1 != *"$part"* ]] || return 0; done
  [ ${#parts[@]} = 0 ]
}

# compares SCRIPT ARGUMENT...: it compares what it makes itself; floats may differ in the last bits
# on another processor.
compares() { "$python" "$1" --check "${@:2}"; }

# adapts SCRIPT: the same with the packages of adapters.txt.
adapts() {
  local python
  python=$(bash third_party/fetch.sh python-adapters) && compares "$1"
}

# writes SCRIPT: it writes files beside itself, the same bytes on every machine.
writes() {
  local file same=0 copy=$work/golden
  rm -rf "$copy"
  mkdir "$copy"
  cp "$1" "$copy/"
  "$python" "$copy/${1##*/}" || return 1
  for file in "$copy"/*; do
    cmp "$file" "${1%/*}/${file##*/}" || same=1
  done
  return "$same"
}

# prints SCRIPT FILE ARGUMENT...: it prints the file.
prints() { "$python" "$1" "${@:3}" | cmp - "$2"; }

# interop SCRIPT: Go tests that run it, both ways through the cache of huggingface_hub.
interop() { GOPET_ORACLE_PYTHON=$python go test -count=1 -run Interop ./internal/hub ./models/hub ./data/hub; }

# trains: the benchmark's peers start from gopet's values and must have gopet's losses.
trains() {
  local environment
  environment=$(bash third_party/setup.sh --env) && eval "$environment" &&
    GOPET_ORACLE_PYTHON=$python go test -count=1 -run Peers "$1"
}

# converts SCRIPT: beside what it compares it loads with transformers what gopet convert writes.
converts() { compares "$1" && "$python" "$1" --gopet "$PWD/bin/gopet"; }

parity compares models/bert/testdata/make_golden.py "${l6[@]}" "${l3[@]}"
parity compares models/t5/testdata/make_golden.py
parity compares train/testdata/make_traces.py "${l3[@]}"
parity compares train/testdata/make_peft_traces.py
parity compares pet/peft/testdata/make_golden.py
parity adapts pet/peft/testdata/make_adapters.py
parity compares models/checkpoint/testdata/make_pickles.py
parity converts models/convert/testdata/make_golden.py
parity writes models/checkpoint/testdata/make_golden.py
parity writes pet/apet/testdata/make_shuffles.py
parity writes torch/optim/testdata/make_golden.py
parity writes train/metrics/testdata/make_golden.py
parity writes train/metrics/testdata/make_text.py
parity trains ./train/bench
parity interop internal/hubtest/testdata/interop.py

tokenizer=data/tokenizer/testdata
parity prints $tokenizer/make_unicode.py data/tokenizer/zz_generated_unicode.go
parity prints $tokenizer/make_cases.py $tokenizer/cases.json
parity prints $tokenizer/make_random.py $tokenizer/random.json
parity prints $tokenizer/make_spiece.py $tokenizer/spiece.json
corpus=$(bash $tokenizer/corpus.sh)
parity prints $tokenizer/train_bpe.py $tokenizer/merges.txt "$corpus"
parity prints $tokenizer/make_golden.py $tokenizer/wordpiece.hashes wordpiece "$minilm" "$corpus"
parity prints $tokenizer/make_golden.py $tokenizer/bpe.hashes bpe $tokenizer/merges.txt "$corpus"
t5=../shared/checkpoints/t5-tokenizer
if [ -d "$t5" ]; then
  parity prints $tokenizer/make_golden.py $tokenizer/unigram.hashes unigram "$t5" "$corpus"
fi

[ ${#summary[@]} -gt 0 ] || summary=("no script has any of ${parts[*]} in its path") failed=1
printf 'parity: %s\n' "${summary[@]}"
exit "$failed"
