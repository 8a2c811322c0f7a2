#!/usr/bin/env bash
# Makes dist/gopet-gpu-check.tar.xz: what scripts/gpu_check.sh needs on a machine that has a GPU but
# no Go. Tests are compiled here; the shim and the kernels are compiled there, from their sources.
#
# usage: bash scripts/gpu_bundle.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"
cd "$root"
require go tar xz

most=$((60 << 20)) # bytes
packages=(torch torch/nn torch/optim models/bert models/t5 pet train)

mkdir -p dist
build=$(mktemp -d dist/.gpu-XXXXXX)
trap 'rm -rf "$build"' EXIT
top=$build/gopet-gpu-check
mkdir -p "$top/bin" "$top/tests"

env=$(CUDA=0 bash third_party/setup.sh --link "$build/links")
eval "$env"
# Each binary finds lib/ at the top from where it lies: tests run in their package's folder.
# shellcheck disable=SC2016 # $ORIGIN is for the loader
flags='-s -w -r $ORIGIN/../lib'
go build -trimpath -ldflags "$flags" -o "$top/bin/gopet" ./cmd/gopet
go build -trimpath -ldflags "$flags" -o "$top/bin/randomt5" ./models/t5/randomt5
for package in "${packages[@]}"; do
  go test -c -trimpath -ldflags "$flags" -o "$top/tests/${package//\//-}.test" "./$package"
  mkdir -p "$top/$package"
  echo "$package" >>"$top/tests/packages"
done

# Sources of the shim and kernels, how they are set up, and what the tests read.
git ls-files --cached --others --exclude-standard -- \
  torch/csrc third_party scripts 'torch/optim/testdata' 'models/*/testdata/*' 'train/testdata' |
  tar -c -T - | tar -x -C "$top"

tar -cJf dist/gopet-gpu-check.tar.xz -C "$build" gopet-gpu-check
size=$(stat -c %s dist/gopet-gpu-check.tar.xz)
[ "$size" -le "$most" ] || die "dist/gopet-gpu-check.tar.xz has $size bytes, $most at most"
say "dist/gopet-gpu-check.tar.xz: $((size >> 20)) MiB; unpack it on the machine with the GPU and run scripts/gpu_check.sh"
