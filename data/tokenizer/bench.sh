#!/usr/bin/env bash
# Prints the speed of this package and of Hugging Face's tokenizers over the same lines, interleaved,
# and their median ratio, for each kind of model. usage: bash bench.sh [ROUNDS]
# PYTHON: a python3 with tokenizers 0.23.3 (default: set up in the cache).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fetch=$here/../../third_party/fetch.sh

models=("wordpiece=$(bash "$fetch" model)" "bpe=$here/testdata/merges.txt")
t5=$here/../../../shared/checkpoints/t5-tokenizer
if [ -d "$t5" ]; then
  models+=("unigram=$t5")
else
  echo "unigram: no tokenizer to measure with: ../shared/checkpoints/t5-tokenizer is missing" >&2
fi
corpus=$(bash "$here/testdata/corpus.sh")
python=${PYTHON:-$(bash "$fetch" python-tests)}
binary=$(mktemp)
trap 'rm -f "$binary"' EXIT
(cd "$here" && go test -c -o "$binary" .)
"$python" "$here/testdata/bench.py" "$binary" "$corpus" "${1:-7}" "${models[@]}"
