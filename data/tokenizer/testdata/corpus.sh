#!/usr/bin/env bash
# Makes the corpus of the tokenizer's tests, where it is missing or of another version, and prints
# its path: $GOPET_CACHE/tokenizer-corpus/corpus.txt (default ~/.cache/gopet/...).
set -euo pipefail
testdata=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=third_party/lib.sh
. "$testdata/../../../third_party/lib.sh"

dir=$cache/tokenizer-corpus
intact() { (cd "$1" 2>/dev/null && sha256sum --check --status "$testdata/corpus.sha256" 2>/dev/null); }

keep() { mv "$1" "$work/kept"; }

if ! intact "$dir"; then
  begin
  if ! intact "$dir"; then
    mkdir "$work/kept"
    each_wheel "$testdata/requirements.txt" keep
    say "making the tokenizer's corpus"
    python3 "$testdata/make_corpus.py" "$work/kept" "$work/corpus.txt"
    rm -r "$work/kept"
    intact "$work" || die "the corpus came out other than testdata/corpus.sha256 says; nothing was kept"
    rm -rf "$dir"
    finish "$dir"
  else
    abandon
  fi
fi
echo "$dir/corpus.txt"
