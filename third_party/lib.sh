# shellcheck shell=bash
# What setup.sh and fetch.sh share: the cache, its lock, pinned wheels.
# Nothing appears in the cache before it is complete: work happens in a folder beside it, which is
# then renamed. Sourced by bash with errexit, nounset and pipefail set.

third_party=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Without a home folder there is nowhere to keep anything, and set -u would name a variable only.
cache=${GOPET_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOPET_CACHE to a folder for downloads}/.cache}/gopet}
work='' # the folder that this run builds in, while it builds

say() { printf 'gopet: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# require COMMAND... says in one line which are missing and what to install. `pip` is python3 -m pip.
require() {
  local command missing=() debian=() fedora=()
  for command; do
    case $command in
      pip) ! python3 -m pip --version >/dev/null 2>&1 || continue ;;
      *) ! command -v "$command" >/dev/null 2>&1 || continue ;;
    esac
    missing+=("$command")
    case $command in
      go) debian+=(golang-go) fedora+=(golang) ;;
      g++) debian+=(g++) fedora+=(gcc-c++) ;;
      python3) debian+=(python3) fedora+=(python3) ;;
      pip) debian+=(python3-pip) fedora+=(python3-pip) ;;
      flock) debian+=(util-linux) fedora+=(util-linux-core) ;;
      *) debian+=("$command") fedora+=("$command") ;;
    esac
  done
  [ ${#missing[@]} -eq 0 ] ||
    die "missing: ${missing[*]}; install with 'apt-get install ${debian[*]}' (Debian, Ubuntu)" \
      "or 'dnf install ${fedora[*]}' (Fedora)"
}

# begin takes the cache's lock and makes $work; finish DIR [FOLDER] renames $work, or a folder in it,
# to DIR and lets go; abandon only lets go.
# A killed run can leave nothing behind: the lock is the kernel's, and its work/ is removed here.
begin() {
  require flock
  mkdir -p "$cache" || die "cannot make the cache folder $cache; set GOPET_CACHE to a folder that can be written"
  exec 9>"$cache/lock" || die "cannot write in $cache; set GOPET_CACHE to a folder that can be written"
  if ! flock --nonblock 9; then
    say "waiting for another set-up that works in $cache"
    flock 9
  fi
  rm -rf "$cache/work"
  mkdir "$cache/work"
  work=$cache/work
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}
finish() {
  mkdir -p "$(dirname "$1")"
  mv -T "$work${2:+/$2}" "$1"
  abandon
}
abandon() {
  rm -rf "$work"
  trap - EXIT INT TERM HUP
  exec 9>&-
}

# run_pip ARGUMENT... runs pip with a progress bar where a person looks on. The user's own
# configuration of pip says where packages come from.
run_pip() {
  local quiet=(--quiet)
  [ ! -t 2 ] || quiet=()
  # `${array[@]+...}`: an empty array counts as unset in bash 4.3.
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    python3 -m pip "$@" ${quiet[@]+"${quiet[@]}"} 9>&- </dev/null >&2
}

# each_wheel PINS COMMAND... downloads the wheels of a pin file one by one and runs COMMAND WHEEL
# for each, which is deleted afterwards.
# Any pip will do: the Python version and platform of the wheels are given, not those of this machine.
each_wheel() {
  local pins=$1 pin platform
  shift
  require python3 pip
  while IFS= read -r pin; do
    case $pin in '' | '#'*) continue ;; esac
    platform=${pin##*# }
    printf '%s\n' "${pin%%  #*}" >"$work/pin.txt"
    say "fetching ${pin%% *}"
    # No pip cache: these wheels are large and what is needed of them stays unpacked here.
    run_pip download --no-cache-dir --no-deps --require-hashes --only-binary :all: \
      --python-version 3.11 --implementation cp --abi cp311 --platform "$platform" \
      --dest "$work/wheels" --requirement "$work/pin.txt" ||
      die "could not fetch ${pin%% *} (pip says why above); nothing was installed, run the same command again"
    "$@" "$work"/wheels/*.whl
    rm -rf "$work/wheels" "$work/pin.txt"
  done <"$pins"
}

# unpack PATTERN... WHEEL puts the matching files of a wheel into $work.
unpack() {
  local wheel=${*: -1}
  python3 "$third_party/unpack.py" "$wheel" "$work" "${@:1:$#-1}" ||
    die "could not unpack ${wheel##*/} into $cache; nothing was installed"
}
