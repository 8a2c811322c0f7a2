package hub

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// layout is where the shards of a repository are.
type layout struct {
	shards  map[string][]string // by directory, which has its configuration's name
	partial map[string]bool     // directories of which the Hub converted a part only
}

// partialPrefix is what the Hub puts before a split that it converted in part.
const partialPrefix = "partial-"

// layoutOf sorts the files of a repository.
func layoutOf(files []string) layout {
	found := layout{map[string][]string{}, map[string]bool{}}
	for _, file := range files {
		if path.Ext(file) != ".parquet" {
			continue
		}
		parent := path.Dir(file)
		switch {
		case strings.HasPrefix(path.Base(parent), partialPrefix):
			found.partial[path.Dir(parent)] = true
		case data.SplitOf(path.Base(file)) != "":
			found.shards[parent] = append(found.shards[parent], file)
		case data.SplitOf(file) != "":
			found.shards[path.Dir(parent)] = append(found.shards[path.Dir(parent)], file)
		}
	}
	return found
}

// defaults are the directories of a configuration that need not be named.
var defaults = []string{".", "data", "default"}

func isDefault(dir string) bool { return slices.Contains(defaults, dir) }

// choose returns the directory of a configuration, of the default or only one
// where none is named; "" where there are no shards at all.
func (l layout) choose(config string) (string, error) {
	dirs := slices.Sorted(maps.Keys(l.shards))
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return l.partial[dir] })
	if len(dirs) == 0 && len(l.partial) > 0 || l.partial[config] {
		return "", errors.New("it is so large that the Hub has converted a part only; make shards of its files with gopet data import")
	}
	if len(dirs) == 0 {
		return "", nil
	}
	candidates := []string{config, "data/" + config}
	switch config {
	case "":
		candidates = defaults
		if len(dirs) == 1 {
			return dirs[0], nil
		}
	case "default":
		candidates = defaults
	}
	for _, dir := range candidates {
		if slices.Contains(dirs, dir) {
			return dir, nil
		}
	}
	if config == "" {
		return "", fmt.Errorf("it has several configurations, name one as OWNER/NAME:CONFIG; there are: %s", strings.Join(dirs, ", "))
	}
	return "", fmt.Errorf("it has no configuration %q; %s", config, nearest.Hint(config, dirs))
}

// numbered is the end of a shard's name that tells how many there are.
var numbered = regexp.MustCompile(`-\d+-of-(\d+)\.parquet$`)

// isWhole reports whether shards that tell their number are all there, and
// those of the train split too, which are linked last.
func isWhole(files []string) bool {
	have, want, train := map[string]int{}, map[string]int{}, false
	for _, file := range files {
		train = train || data.SplitOf(file) == data.Train
		if match := numbered.FindStringSubmatchIndex(file); match != nil {
			series := file[:match[0]] + file[match[2]:match[3]]
			have[series]++
			want[series], _ = strconv.Atoi(file[match[2]:match[3]])
		}
	}
	return train && maps.Equal(have, want)
}

// lastFirst orders shards for linking: the first of the train split last, so
// that a snapshot that has it has the others.
func lastFirst(files []string) []string {
	rank := func(file string) int { return slices.Index(data.SplitNames, data.SplitOf(file)) }
	return slices.SortedFunc(slices.Values(files), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(b, a))
	})
}
