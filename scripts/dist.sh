#!/usr/bin/env bash
# Makes dist/gopet-VERSION-linux-x86_64.tar.gz: the command, the shim, libtorch for the CPU and all
# libraries they need but glibc, so that it runs where there is no Go, pip or compiler.
#
# usage: bash scripts/dist.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"
cd "$root"
require cmake readelf objdump strip dpkg-query

# What belongs to glibc, which every system has its own of.
glibc='^(lib(c|m|dl|rt|util|pthread)\.so\.[0-9]|ld-linux-x86-64\.so\.2)$'

version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/version/version.go)
[ -n "$version" ] || die "no version in internal/version/version.go"
name=gopet-$version-linux-x86_64
mkdir -p dist
build=$(mktemp -d dist/.build-XXXXXX)
trap 'rm -rf "$build"' EXIT
top=$build/$name
mkdir -p "$top/bin" "$top/lib" "$top/licenses"

build_command() {
  local env
  env=$(CUDA=0 bash third_party/setup.sh --link "$build/links")
  eval "$env"
  # Without -trimpath and with symbols the paths of this machine would be in it.
  # shellcheck disable=SC2016 # $ORIGIN is for the loader
  go build -trimpath -ldflags '-s -w -r $ORIGIN/../lib' -o "$top/bin/gopet" ./cmd/gopet
}

# Those of GCC come from the compiler that the shim was built with.
copy_libraries() {
  local lib path
  cp -L "$build"/links/*.so* "$top/lib/"
  for lib in libstdc++.so.6 libgcc_s.so.1; do
    path=$("${CXX:-g++}" -print-file-name="$lib")
    [ "$path" != "$lib" ] || die "${CXX:-g++} does not know where $lib is"
    cp -L "$path" "$top/lib/"
  done
}

# run_path FILE prints where the loader looks for what a library needs.
run_path() { readelf -d "$1" | sed -n 's/.*Library r\(un\)\?path: \[\(.*\)\]/\2/p'; }

# Every library is beside the others, and looks nowhere else. NVIDIA's have no path, and stay as they are.
set_run_paths() {
  local lib old
  # shellcheck disable=SC2016 # $ORIGIN is for the loader, ${...} for cmake
  echo 'file(RPATH_CHANGE FILE "${FILE}" OLD_RPATH "${OLD}" NEW_RPATH "$ORIGIN")' >"$build/rpath.cmake"
  for lib in "$top"/lib/*; do
    old=$(run_path "$lib")
    # shellcheck disable=SC2016
    if [ -n "$old" ] && [ "$old" != '$ORIGIN' ]; then
      cmake -DFILE="$PWD/$lib" -DOLD="$old" -P "$build/rpath.cmake" >/dev/null
    fi
  done
  strip --strip-unneeded "$top"/lib/lib{gopet_torch,torch_cpu,c10}.so
}

# check_closed wants every library that something needs to be here, or glibc's.
check_closed() {
  local file needed
  for file in "$top"/bin/* "$top"/lib/*; do
    while read -r needed; do
      [[ $needed =~ $glibc ]] || [ -e "$top/lib/$needed" ] || die "${file##*/} needs $needed, which is not in the tarball"
    done < <(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    # shellcheck disable=SC2016
    case $(run_path "$file") in
      '' | '$ORIGIN' | '$ORIGIN/../lib') ;;
      *) die "${file##*/} looks for libraries in $(run_path "$file")" ;;
    esac
  done
  for file in "$top/bin/gopet" "$top/lib/libgopet_torch.so"; do
    ! grep -qaF -e "$root/" -e "$cache/" "$file" || die "${file##*/} names folders of this machine"
  done
}

# glibc_needed FILE... prints the version of glibc that these need.
glibc_needed() { objdump -T "$@" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d _ -f 2; }

# Everything in the tarball is under the terms that it came with.
copy_licences() {
  local links lib package module dir
  cp LICENSE NOTICE "$top/"
  links=$(dirname "$(readlink "$build/links/libtorch_cpu.so")")
  for dir in "$links"/../../*.dist-info/licenses; do
    lib=${dir%.dist-info/licenses}
    [ ! -d "$dir" ] || case ${lib##*/} in nvidia_cuda_crt-*) ;; *) cp -r "$dir" "$top/licenses/${lib##*/}" ;; esac
  done
  compgen -G "$top/licenses/torch-*" >/dev/null || die "no licences beside libtorch in $links: unset LIBTORCH and LIBTORCH_USE_PYTORCH"
  mkdir "$top/licenses/mkl" "$top/licenses/go"
  cp "$(bash third_party/fetch.sh licences)/LICENSE.txt" "$top/licenses/mkl/"
  cp "$(go env GOROOT)/LICENSE" "$top/licenses/go/LICENSE"
  while read -r module dir; do
    mkdir -p "$top/licenses/go/$module"
    find "$dir" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'notice*' -o -iname 'copying*' \) \
      -exec cp {} "$top/licenses/go/$module/" \;
    [ -n "$(ls "$top/licenses/go/$module")" ] || die "module $module has no licence"
  done < <(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/gopet | sort -u)
  chmod -R u+w "$top/licenses"
  for lib in "$top"/lib/lib{stdc++.so.6,gcc_s.so.1}; do
    gcc_licence "$(realpath "$("${CXX:-g++}" -print-file-name="${lib##*/}")")"
  done
}

# gcc_licence FILE copies the licence of the Debian package that a library of GCC is from, which
# dpkg may know under /lib instead of /usr/lib, and names the source package.
gcc_licence() {
  local package
  package=$(dpkg-query -S "*/x86_64-linux-gnu/${1##*/}" | head -n 1 | cut -d : -f 1)
  [ -n "$package" ] || die "$1 is of no Debian package, so its licence is not at hand: make dist wants Debian's own g++"
  mkdir "$top/licenses/$package"
  cp -L "/usr/share/doc/$package/copyright" /usr/share/common-licenses/GPL-3 "$top/licenses/$package/"
  # shellcheck disable=SC2016 # the fields are dpkg-query's
  dpkg-query -W -f '${Package} ${Version} of Debian, from source package ${source:Package} ${source:Version}\n' \
    "$package" >"$top/licenses/$package/version"
}

# The README's table of commands, in words for who has no repository.
write_readme() {
  local all older not_of_gcc
  all=$(glibc_needed "$top"/bin/* "$top"/lib/*)
  mapfile -t not_of_gcc < <(find "$top/bin" "$top/lib" -type f ! -name 'libstdc++*' ! -name 'libgcc_s*')
  older=$(glibc_needed "${not_of_gcc[@]}")
  sed -n '/^| command | does |$/,/^$/p' README.md | sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g' >"$build/commands"
  [ -s "$build/commands" ] || die "no table of commands in README.md"
  sed -e "s/@VERSION@/$version/g; s/@NAME@/$name/g; s/@GLIBC@/$all/g; s/@OLDER@/$older/g" \
    -e "/@COMMANDS@/{r $build/commands" -e 'd}' scripts/dist_readme.md >"$top/README.md"
}

# The same files give the same bytes: in order of names, with the time of the last commit.
pack() {
  tar --create --directory "$build" --sort=name --mtime="@$(git log -1 --format=%ct)" \
    --owner=0 --group=0 --numeric-owner "$name" | gzip --no-name >"$build/$name.tar.gz"
  mv "$build/$name.tar.gz" "dist/$name.tar.gz"
}

build_command
copy_libraries
set_run_paths
check_closed
copy_licences
write_readme
pack
say "dist/$name.tar.gz: $(du -h --apparent-size "dist/$name.tar.gz" | cut -f 1)," \
  "$(du -sh --apparent-size "$top" | cut -f 1) unpacked, for glibc $(glibc_needed "$top"/bin/* "$top"/lib/*) or newer"
