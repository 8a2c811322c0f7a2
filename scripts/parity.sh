#!/usr/bin/env bash
# Makes every golden file again with the pinned Python packages and compares it with the committed one.
#
# usage: bash scripts/parity.sh   (after make build)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$(bash third_party/fetch.sh python-oracles)
minilm=$(bash third_party/fetch.sh model)

checkpoints=(--checkpoint "minilm-l6=$minilm")
shared=../shared/checkpoints/minilm-l3
if [ -d "$shared" ]; then
  checkpoints+=(--checkpoint "minilm-l3=$shared")
fi

failed=0
say() { printf 'parity: %s\n' "$*"; }

# These compare what they make themselves: floats may differ in the last bits on another processor.
for script in models/bert/testdata/make_golden.py train/testdata/make_traces.py; do
  say "$script"
  "$python" "$script" --check "${checkpoints[@]}" || failed=1
done
say train/testdata/make_peft_traces.py
"$python" train/testdata/make_peft_traces.py --check || failed=1

# torch.save names storages by their addresses, so this compares what the files hold.
say models/checkpoint/testdata/make_pickles.py
"$python" models/checkpoint/testdata/make_pickles.py --check || failed=1

# What gopet convert writes, against what transformers saves, and loaded by transformers.
say models/convert/testdata/make_golden.py
"$python" models/convert/testdata/make_golden.py --check || failed=1
"$python" models/convert/testdata/make_golden.py --gopet "$PWD/bin/gopet" || failed=1

# These write beside themselves, the same bytes on every machine.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for script in models/checkpoint/testdata/make_golden.py train/metrics/testdata/make_golden.py train/metrics/testdata/make_text.py; do
  say "$script"
  rm -rf "$copy/golden"
  mkdir "$copy/golden"
  cp "$script" "$copy/golden/"
  "$python" "$copy/golden/${script##*/}" || failed=1
  for file in "$copy"/golden/*; do
    cmp "$file" "$(dirname "$script")/${file##*/}" || failed=1
  done
done

# These print what the tokenizers package does.
tokenizer=data/tokenizer
say $tokenizer/testdata/make_unicode.py
"$python" $tokenizer/testdata/make_unicode.py | cmp - $tokenizer/zz_generated_unicode.go || failed=1
say $tokenizer/testdata/make_cases.py
"$python" $tokenizer/testdata/make_cases.py | cmp - $tokenizer/testdata/cases.json || failed=1
say "$tokenizer/testdata/make_golden.py (four minutes)"
corpus=$(bash $tokenizer/testdata/corpus.sh)
"$python" $tokenizer/testdata/make_golden.py "$minilm" "$corpus" | cmp - $tokenizer/testdata/corpus.hashes || failed=1

exit "$failed"
