#!/usr/bin/env bash
# Checks the form of everything: gofmt, go vet, staticcheck, clang-format, shellcheck.
#
# usage: bash scripts/lint.sh [--fix]   (--fix formats Go and C++ in place and checks nothing)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
site=$(dirname "$(bash third_party/fetch.sh python-lint)")/site
clang_format=$site/clang_format/data/bin/clang-format

sources() { git ls-files --cached --others --exclude-standard -- "$@"; }
mapfile -t go_files < <(sources '*.go')
mapfile -t cpp_files < <(sources '*.cc' '*.cu' '*.h')
mapfile -t shell_files < <(sources '*.sh' .ci/run)

if [ "${1:-}" = --fix ]; then
  gofmt -w "${go_files[@]}"
  "$clang_format" -i "${cpp_files[@]}"
  exit
fi

failed=0
check() { # NAME COMMAND... fails when the command does, and goes on with the next
  echo "lint: $1"
  shift
  "$@" || failed=1
}
# shellcheck disable=SC2329 # check calls it
formatted() { # gofmt -l exits 0 whatever it lists
  local list
  list=$(gofmt -l "${go_files[@]}") || return 1
  [ -z "$list" ] || { printf 'not formatted; run make fmt:\n%s\n' "$list" && return 1; }
}
check gofmt formatted
check 'go vet' go vet ./...
check staticcheck go run "$staticcheck" ./...
check clang-format "$clang_format" --dry-run --Werror "${cpp_files[@]}"
check shellcheck "$site/bin/shellcheck" --external-sources "${shell_files[@]}"
exit "$failed"
