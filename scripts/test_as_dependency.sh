#!/usr/bin/env bash
# Builds and tests examples/ the way a stranger meets gopet: from a module zip of HEAD, through a
# file-based GOPROXY, into a fresh module cache that cannot be written, with no replace directive.
#
# usage: bash scripts/test_as_dependency.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"
module=github.com/gopet-ml/gopet
version=v0.1.0
site=$(mktemp -d)
trap 'chmod -R u+w "$site" && rm -rf "$site"' EXIT

# A module zip holds the files of the module, not those of a module inside it.
proxy=$site/proxy/$module/@v
mkdir -p "$proxy"
git -C "$root" archive --format=zip --prefix="$module@$version/" --output="$proxy/$version.zip" \
  HEAD -- . ':!examples'
git -C "$root" show HEAD:go.mod >"$proxy/$version.mod"
echo "{\"Version\":\"$version\"}" >"$proxy/$version.info"
echo "$version" >"$proxy/list"

mkdir "$site/examples" "$site/bin"
git -C "$root" archive HEAD:examples | tar -x -C "$site/examples"
cd "$site/examples"
if grep -q '^replace' go.mod; then
  echo "examples/go.mod has a replace directive" >&2
  exit 1
fi

# This version is on no server, so no server can vouch for it; all other modules are checked as ever.
GOPROXY="file://$site/proxy,$(go env GOPROXY)"
export GOPROXY GONOSUMDB=$module GOMODCACHE=$site/modcache GOFLAGS=-mod=mod GOWORK=off
go mod download "$module"

# A cache of its own, so that the shim is built from the module's read-only files; libtorch is lent.
mkdir "$site/cache"
find "$cache" -maxdepth 1 -name 'libtorch-*' -exec ln -s {} "$site/cache/" \;
export GOPET_CACHE=$site/cache

# What the README tells a stranger to run, word for word.
env=$(bash "$(go list -m -f '{{.Dir}}' github.com/gopet-ml/gopet)/third_party/setup.sh" --env)
eval "$env"

go vet ./...
go test ./...
go build -o "$site/bin/" ./...

# The programs find their libraries from any folder, without LD_LIBRARY_PATH.
cd /
for program in "$site"/bin/*; do
  if env -i ldd "$program" | grep 'not found'; then
    echo "$program does not find its libraries" >&2
    exit 1
  fi
done
