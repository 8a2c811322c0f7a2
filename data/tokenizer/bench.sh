#!/usr/bin/env bash
# Prints the speed of this package and of Hugging Face's tokenizers over the same lines, interleaved,
# and their median ratio. usage: bash bench.sh [ROUNDS]
# PYTHON: a python3 with tokenizers 0.23.3 (default: set up in the cache).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fetch=$here/../../third_party/fetch.sh

model=$(bash "$fetch" model)
corpus=$(bash "$here/testdata/corpus.sh")
python=${PYTHON:-$(bash "$fetch" python-tests)}
binary=$(mktemp)
trap 'rm -f "$binary"' EXIT
(cd "$here" && go test -c -o "$binary" .)
"$python" "$here/testdata/bench.py" "$model" "$corpus" "$binary" "$@"
