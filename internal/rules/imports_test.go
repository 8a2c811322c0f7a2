package rules

import (
	"strings"
	"testing"
)

// layers is the house from the ground up: a package imports those of lower
// layers and of its own top folder.
var layers = map[string]int{
	"third_party": 0,
	"internal":    0,
	"torch":       1, "data": 1,
	"models": 2,
	"pet":    3,
	"train":  4,
	"report": 5, "study": 5,
	"cmd": 6,
}

// floor are packages below their folder's layer: they know nothing above it.
var floor = map[string]int{
	// What is drawn and formatted, of use to whoever trains as well.
	"report/table": 1, "report/format": 1, "report/progress": 1, "report/internal/terminal": 1,
	// Reports on the machine, on behalf of commands.
	"internal/doctor": 5,
	// Helps the tests of all that uses tensors.
	"internal/torchtest": 2,
	"internal/modeltest": 3,
}

func layer(dir string) (int, bool) {
	if l, ok := floor[dir]; ok {
		return l, true
	}
	top, _, _ := strings.Cut(dir, "/")
	l, ok := layers[top]
	return l, ok
}

func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

func TestArrowsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		from, known := layer(s.dir)
		if !known {
			t.Errorf("package %s is on no layer: add its folder to the list, above all that it imports", s.dir)
			continue
		}
		for _, to := range s.imports() {
			if below, _ := layer(to); below > from || below == from && top(to) != top(s.dir) {
				t.Errorf("%s imports %s, which does not lie below it", s.dir, to)
			}
		}
	}
}

func TestOnlyCtorchCallsC(t *testing.T) {
	for _, s := range sources(t) {
		if s.importsC() != (s.dir == "torch/internal/ctorch") {
			t.Errorf("%s: imports C %v", s.dir, s.importsC())
		}
	}
}

// TestDataIsApart: whoever only reads data needs no libtorch.
func TestDataIsApart(t *testing.T) {
	imports := map[string][]string{}
	for _, s := range sources(t) {
		imports[s.dir] = s.imports()
	}
	for dir := range imports {
		if top(dir) != "data" && dir != "models/checkpoint" {
			continue
		}
		seen := map[string]bool{}
		var visit func(string)
		visit = func(at string) {
			if seen[at] {
				return
			}
			seen[at] = true
			for _, to := range imports[at] {
				visit(to)
			}
		}
		visit(dir)
		for reached := range seen {
			if top(reached) == "torch" {
				t.Errorf("%s reaches %s", dir, reached)
			}
		}
	}
}
