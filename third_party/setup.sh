#!/usr/bin/env bash
# Installs libtorch, builds the shim libgopet_torch.so over it, and writes gopet.pc for cgo.
#
# usage: bash third_party/setup.sh [--env | --link DIR]
#   --env       print the shell lines that let `go build` find the shim: eval "$(bash setup.sh --env)"
#   --link DIR  fill DIR with links to every library and print such lines for a program that is
#               linked with the relative rpath $ORIGIN/../DIR
#
# Everything is kept in $GOPET_CACHE (default ~/.cache/gopet); what is there is not made again.
#   CUDA=1                          add the GPU libraries and kernels (CUDA=0: not; default: where
#                                   nvidia-smi works)
#   NVCC=FILE                       the compiler of the kernels (default: one that is fetched)
#   LIBTORCH=DIR                    use the libtorch in DIR (lib/, include/)
#   LIBTORCH_USE_PYTORCH=1          use the libtorch of python3's torch package
#   LIBTORCH_BYPASS_VERSION_CHECK=1 accept another version of it
#   CXX, CXXFLAGS, LDFLAGS          the compiler and its options
set -euo pipefail
# shellcheck source=third_party/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
csrc=$(cd "$third_party/../torch/csrc" && pwd)

version=2.11.0
tools=("${CXX:-g++}" cmake make) # what the shim and programs over it are built with
[ ! -f "$third_party/../go.mod" ] || tools+=(go) # the bundle of make gpu-bundle has none
libtorch='' # the folder with lib/ and include/
shim=''     # the folder with lib/libgopet_torch.so, include/ and pkgconfig/

wants_cuda() {
  case ${CUDA:-} in
    '') command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1 ;;
    0) false ;;
    *) true ;;
  esac
}

# The layout is that of Python's site-packages: the libraries find each other by relative rpaths
# from torch/lib to nvidia/*/lib.
find_pinned() {
  local variant=cpu patterns
  wants_cuda && variant=cuda
  local root=$cache/libtorch-$version-$variant
  libtorch=$root/torch
  [ ! -d "$root" ] || return 0
  require "${tools[@]}" python3 pip
  begin
  if [ -d "$root" ]; then # another run made it while this one waited
    abandon
    return
  fi
  patterns=('torch/include/*' 'torch/share/*' 'torch/version.py' '*.dist-info/licenses/*' '*.dist-info/METADATA'
    'nvidia/*/include/*')
  if [ "$variant" = cuda ]; then
    patterns+=('torch/lib/lib[!t]*.so*' 'torch/lib/libtorch.so' 'torch/lib/libtorch_[!p]*.so' 'nvidia/*/lib/*.so*')
  else
    patterns+=(torch/lib/lib{c10,torch_cpu}.so torch/lib/libgomp.so.1 nvidia/cu13/lib/lib{cudart,cupti}.so.13)
  fi
  each_wheel "$third_party/pins/libtorch.txt" unpack "${patterns[@]}"
  [ "$variant" = cpu ] || each_wheel "$third_party/pins/cuda.txt" unpack "${patterns[@]}"
  finish "$root"
  say "libtorch $version ($variant) is in $root"
}

find_pytorch() {
  require python3
  # From /, because Python looks in the current folder first, and ours has a folder torch.
  libtorch=$(cd / && python3 -c '
import importlib.util
torch = importlib.util.find_spec("torch")
print(list(torch.submodule_search_locations)[0] if torch else "")')
  [ -n "$libtorch" ] ||
    die "LIBTORCH_USE_PYTORCH is set but $(command -v python3) has no torch package; install torch==$version or unset it"
}

check_version() {
  [ -f "$libtorch/lib/libtorch_cpu.so" ] ||
    die "$libtorch holds no libtorch (no lib/libtorch_cpu.so); set LIBTORCH to a folder with lib/ and include/"
  local found
  found=$(cat "$libtorch"/include/torch/{headeronly,csrc/api/include/torch}/version.h 2>/dev/null |
    sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' | head -n 3 | paste -s -d .) || true
  [ "$found" = "$version" ] || [ -n "${LIBTORCH_BYPASS_VERSION_CHECK:-}" ] ||
    die "libtorch $version is expected, $libtorch has ${found:-an unknown version};" \
      "unset LIBTORCH and LIBTORCH_USE_PYTORCH to have the right one fetched," \
      "or set LIBTORCH_BYPASS_VERSION_CHECK=1 to try this one"
  version=${found:-$version}
}

find_libtorch() {
  if [ -n "${LIBTORCH:-}" ]; then
    libtorch=$(cd "$LIBTORCH" 2>/dev/null && pwd) || die "LIBTORCH=$LIBTORCH: no such folder"
    check_version
  elif [ -n "${LIBTORCH_USE_PYTORCH:-}" ]; then
    find_pytorch
    check_version
  else
    find_pinned
  fi
}

# hash prints a short name for the bytes of standard input.
hash() { sha256sum | cut -c 1-16; }

write_pc() { # FILE INCLUDE LIB LDFLAGS
  cat >"$1.$$" <<PC
Name: gopet
Description: C interface of gopet to libtorch
Version: $version
Cflags: "-I$2"
Libs: "-L$3" -lgopet_torch $4
PC
  mv "$1.$$" "$1"
}

build_kernels() { # NVCC FOLDER
  make -C "$csrc/kernels" --jobs "$(nproc)" lib NVCC="$1" BUILD="$2" && cp "$2/libgopet_cuda.so" "$work/lib"
}

# The shim's folder is named after all that it depends on. Go does not look inside headers that a
# pkg-config file names; a path that changes with them makes it compile anew.
build_shim() {
  local settings kernels=(./kernels/kernels.h) nvcc=''
  if wants_cuda; then
    nvcc=${NVCC:-$(bash "$third_party/fetch.sh" nvcc)} || exit 1
    kernels=(./kernels)
  fi
  settings="$libtorch $version $(${CXX:-g++} --version | head -n 1) ${CXXFLAGS:-} ${LDFLAGS:-} $nvcc"
  shim=$cache/shim/$({
    echo "$settings"
    cat "${BASH_SOURCE[0]}"
    # The CUDA kernels are a library of their own, with an interface that the shim knows.
    (cd "$csrc" && { find . -path ./kernels -prune -o -type f -print && find "${kernels[@]}" -type f; } |
      LC_ALL=C sort | xargs -d '\n' sha256sum)
  } | hash)
  [ ! -d "$shim" ] || return 0
  begin
  if [ -d "$shim" ]; then
    abandon
    return
  fi
  say "building libgopet_torch.so${nvcc:+ and libgopet_cuda.so} (minutes the first time)"
  local build
  build=$cache/build/$(echo "$settings $csrc" | hash)
  {
    cmake -S "$csrc" -B "$build" -G 'Unix Makefiles' -DLIBTORCH="$libtorch" \
      -DCMAKE_CXX_COMPILER="${CXX:-g++}" -DCMAKE_INSTALL_PREFIX="$work" &&
      cmake --build "$build" --target install --parallel "$(nproc)" &&
      { [ -z "$nvcc" ] || build_kernels "$nvcc" "$build/kernels"; }
  } 9>&- </dev/null >"$cache/build.log" 2>&1 || {
    cat "$cache/build.log" >&2
    die "the shim did not compile (log: $cache/build.log)"
  }
  mkdir "$work/pkgconfig"
  write_pc "$work/pkgconfig/gopet.pc" "$shim/include" "$shim/lib" "\"-Wl,-rpath,$shim/lib\""
  finish "$shim"
}

# A small stand-in for machines without pkg-config. It lives in the cache because files in Go's
# module cache cannot be executed.
pkg_config() {
  ! command -v pkg-config >/dev/null || return 0
  if [ ! -x "$cache/pkg-config" ]; then
    install -m 755 "$third_party/pkg-config.sh" "$cache/pkg-config.$$"
    mv "$cache/pkg-config.$$" "$cache/pkg-config"
  fi
  echo "$cache/pkg-config"
}

# print_env PKGCONFIG KEY prints what lets go find PKGCONFIG/gopet.pc, in place of an earlier shim.
# Go's build cache does not see what pkg-config answers; a macro that changes with it makes cgo
# packages compile anew.
print_env() {
  local word flags='' path='' stand_in
  for word in ${CGO_CPPFLAGS:-}; do
    case $word in -DGOPET_SHIM=*) ;; *) flags+="$word " ;; esac
  done
  while IFS= read -r -d : word; do
    case $word in '' | "$cache"/shim/*) ;; *) path+=":$word" ;; esac
  done <<<"${PKG_CONFIG_PATH:-}:"
  printf 'export CGO_CPPFLAGS=%q\n' "$flags-DGOPET_SHIM=$2"
  printf 'export PKG_CONFIG_PATH=%q\n' "$1$path"
  stand_in=$(pkg_config)
  # go splits PKG_CONFIG at spaces, except within quotes.
  [ -z "$stand_in" ] || printf 'export PKG_CONFIG=%q\n' "'$stand_in'"
}

# link_into DIR: where libtorch_cpu.so is reached through a link, $ORIGIN is the link's folder, so
# that folder needs every library. Links that are right already stay: a program may be starting.
link_into() {
  mkdir -p "$1/pkgconfig"
  local lib target folder
  folder=$(cd "$1" && pwd)
  find "$folder" -maxdepth 1 -xtype l -delete
  for lib in "$shim"/lib/*.so "$libtorch"/lib/*.so* "$libtorch"/../nvidia/*/lib/*.so*; do
    [ -e "$lib" ] || continue
    target=$(realpath -s "$lib")
    [ "$(readlink "$folder/${lib##*/}")" = "$target" ] || ln -sfn "$target" "$folder/${lib##*/}"
  done
  write_pc "$folder/pkgconfig/gopet.pc" "$shim/include" "$folder" ''
  print_env "$folder/pkgconfig" "${shim##*/}-$(echo "$folder" | hash)"
}

main() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || die "this is $(uname -sm); gopet runs on Linux x86_64"
  find_libtorch
  require "${tools[@]}"
  build_shim
  case ${1:-} in
    --env) print_env "$shim/pkgconfig" "${shim##*/}" ;;
    --link) link_into "$2" ;;
    '') say "the shim is ready; eval \"\$(bash ${BASH_SOURCE[0]} --env)\" lets go build find it" ;;
    *) die "usage: bash ${BASH_SOURCE[0]} [--env | --link DIR]" ;;
  esac
}
main "$@"
