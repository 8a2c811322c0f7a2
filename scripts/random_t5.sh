#!/usr/bin/env bash
# Writes a T5 of random weights: see models/t5/randomt5.
#
# usage: bash scripts/random_t5.sh -out DIR -tokenizer DIR [flags]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment=$(bash "$root/third_party/setup.sh" --env)
eval "$environment"
go build -C "$root" -o "$root/bin/randomt5" ./models/t5/randomt5
exec "$root/bin/randomt5" "$@"
