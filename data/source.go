package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gopet-ml/gopet/internal/nearest"
)

// An Opener opens the data set that a specification without its scheme names.
type Opener func(spec string) (Dataset, error)

var sources = struct {
	sync.RWMutex
	openers map[string]Opener
}{openers: map[string]Opener{"parquet": openParquet}}

// RegisterSource adds a row source: Open passes it what follows "scheme:". It
// panics if the scheme is taken or empty or has a colon or slash in it, as
// registering is done by a package's init.
func RegisterSource(scheme string, open Opener) {
	sources.Lock()
	defer sources.Unlock()
	if scheme == "" || strings.ContainsAny(scheme, ":/\\") {
		panic(fmt.Sprintf("data: %q cannot be a scheme", scheme))
	}
	if _, taken := sources.openers[scheme]; taken {
		panic(fmt.Sprintf("data: source %q is registered twice", scheme))
	}
	sources.openers[scheme] = open
}

// Open opens a data set: a directory or glob of Parquet shards, or
// "scheme:rest" of a registered source.
func Open(spec string) (Dataset, error) {
	scheme, rest, found := strings.Cut(spec, ":")
	if !found || strings.ContainsAny(scheme, "/\\*?[") {
		return openParquet(spec)
	}
	sources.RLock()
	open, known := sources.openers[scheme]
	schemes := slices.Sorted(maps.Keys(sources.openers))
	sources.RUnlock()
	if !known {
		return nil, fmt.Errorf("data %q: no row source %q is registered; %s", spec, scheme, nearest.Hint(scheme, schemes))
	}
	return open(rest)
}
