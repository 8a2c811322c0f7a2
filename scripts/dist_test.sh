#!/usr/bin/env bash
# Unpacks the tarball of make dist into bare systems and runs it there: a root that holds glibc and a
# shell alone, and, where debootstrap is or can be installed, a minimal Debian. Wants root.
#
# usage: bash scripts/dist_test.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"
cd "$root"
[ "$(id -u)" = 0 ] || die "dist_test.sh makes other root folders and enters them with chroot: run it as root"
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/version/version.go)
tarball=dist/gopet-$version-linux-x86_64.tar.gz
[ -f "$tarball" ] || die "no $tarball: run make dist"

area=$(mktemp -d "${TMPDIR:-/tmp}/gopet-dist-XXXXXX")
# One file system only: whatever is mounted below stays as it is.
trap 'rm -rf --one-file-system "$area"' EXIT

# empty_root DIR makes a root that has nothing but the loader, glibc's libraries and a shell.
empty_root() {
  mkdir -p "$1"/{bin,lib64,lib/x86_64-linux-gnu,tmp,proc,dev}
  cp -L /bin/dash "$1/bin/sh"
  cp -L /lib64/ld-linux-x86-64.so.2 "$1/lib64/"
  cp -L /lib/x86_64-linux-gnu/lib{c,m,dl,rt,util,pthread}.so.[0-9] "$1/lib/x86_64-linux-gnu/"
}

# minimal_debian DIR makes one of the host's release, from the host's mirror or else debootstrap's own.
minimal_debian() {
  local release mirror
  if ! command -v debootstrap >/dev/null; then
    { timeout 60 apt-get update && timeout 60 apt-get install -y --no-install-recommends debootstrap; } \
      >"$area/apt.log" 2>&1 || return 1
  fi
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016 # the field is apt's
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m 1 -v security) || true
  timeout 300 debootstrap --variant=minbase "$release" "$1" ${mirror:+"$mirror"} >"$area/debootstrap.log" 2>&1
}

# model DIR makes a small random BERT; its words are those of the rows below.
model() {
  mkdir "$1"
  cp models/bert/testdata/bare/{config.json,model.safetensors} "$1/"
  printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' red green blue one two three >"$1/vocab.txt"
}

rows() { # COUNT prints a table whose first word tells the kind
  local i words=(red one green two blue three) kinds=(colour number)
  echo text,kind
  for ((i = 0; i < $1; i++)); do
    echo "${words[i % 6]} ${words[i * 5 % 6]},${kinds[i % 2]}"
  done
}

# try ROOT NAME runs gopet in a root with nothing in its environment but a search path.
try() {
  local in=$1
  mkdir -p "$in/opt" "$in/trial"
  tar -xzf "$tarball" -C "$in/opt"
  mv "$in"/opt/gopet-* "$in/opt/gopet"
  model "$in/trial/model"
  rows 60 >"$in/trial/train.csv"
  rows 18 >"$in/trial/test.csv"
  cat >"$in/trial/try.sh" <<'SH'
set -eu
cd /trial
gopet=/opt/gopet/bin/gopet
$gopet version
$gopet doctor --device cpu >/dev/null
$gopet data import --train train.csv --test test.csv --label kind --validation 0.2 --out rows >/dev/null
set -- --model model --data rows --task classify --text text --label kind --device cpu --threads 1
$gopet train "$@" --method apet-discrete --params 500 --steps 30 --batch 8 --out run >/dev/null
$gopet eval "$@" --adapter run/adapter --split test --json
$gopet convert --in model --out converted --dtype bfloat16 >/dev/null
! $gopet doctor --device cuda
for tool in go pip gcc python3; do
  if command -v $tool; then echo "there is a $tool here" && exit 1; fi
done
SH
  enter "$in" /bin/sh /trial/try.sh >"$area/$2.out" 2>"$area/$2.err" || {
    cat "$area/$2.out" "$area/$2.err" >&2
    die "gopet does not run in $2"
  }
  grep -q "^gopet $version (libtorch " "$area/$2.out" || die "gopet version in $2: $(cat "$area/$2.out")"
  grep -q '"accuracy":' "$area/$2.out" || die "gopet eval in $2: $(cat "$area/$2.out")"
  grep -q '^gopet: .*libcuda.so.1' "$area/$2.err" || die "gopet doctor --device cuda in $2: $(cat "$area/$2.err")"
  say "runs in $2: $(tail -n 1 "$area/$2.out")"
}

# enter ROOT COMMAND... runs a command in a root, with /proc and /dev where this system lets us mount
# them: in name spaces of its own, so that they are gone afterwards whatever happens.
enter() {
  local in=$1 chroot
  shift
  chroot=$(command -v chroot) # is in /usr/sbin, which the command is not to see
  # shellcheck disable=SC2016 # for the inner shell
  local mount='mount -t proc proc "$1/proc" 2>/dev/null || true
    mount --rbind /dev "$1/dev" 2>/dev/null || true
    exec env -i PATH=/usr/bin:/bin "$chroot" "$@"'
  if unshare --mount true 2>/dev/null; then
    chroot=$chroot unshare --mount --propagation private sh -c "$mount" sh "$in" "$@"
  else
    env -i PATH=/usr/bin:/bin "$chroot" "$in" "$@"
  fi
}

empty_root "$area/empty"
try "$area/empty" 'a root of glibc and a shell'
if minimal_debian "$area/debian"; then
  try "$area/debian" 'a minimal Debian'
else
  say "no minimal Debian here: $(tail -qn 1 "$area"/*.log)"
fi
