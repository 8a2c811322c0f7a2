package peft

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

// targetConfig is how peft's configurations name the modules that are tuned.
type targetConfig struct {
	TargetModules any `json:"target_modules"` // a list of ends of names, or a regular expression
}

// targets names linear layers in the shortest way that names no other module:
// a list of their last names, else a regular expression.
func (b *base) targets(layers []string) any {
	modules := b.outers(b.modules)
	layers = b.outers(layers)
	if ends := lastNames(layers, 1); exactly(modules, layers, ends) {
		return ends
	}
	for depth := 2; depth <= 3; depth++ {
		ends := lastNames(layers, depth)
		whole := slices.ContainsFunc(layers, func(layer string) bool { return slices.Contains(ends, layer) })
		if !whole && exactly(modules, layers, ends) {
			return `.*\.(` + alternatives(ends) + `)`
		}
	}
	return alternatives(layers)
}

func (b *base) outers(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = b.outer(name)
	}
	return list
}

// lastNames lists the last parts of paths, each once, in the order in which they come.
func lastNames(paths []string, depth int) []string {
	var ends []string
	for _, path := range paths {
		parts := strings.Split(path, ".")
		end := strings.Join(parts[max(0, len(parts)-depth):], ".")
		if !slices.Contains(ends, end) {
			ends = append(ends, end)
		}
	}
	return ends
}

// exactly reports whether the modules whose names end like this are the layers.
func exactly(modules, layers, ends []string) bool {
	for _, module := range modules {
		if slices.ContainsFunc(ends, func(end string) bool { return endsIn(module, end) }) != slices.Contains(layers, module) {
			return false
		}
	}
	return true
}

// endsIn reports whether the last of a path's names are those of end.
func endsIn(path, end string) bool {
	return path == end || strings.HasSuffix(path, "."+end)
}

func alternatives(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return strings.Join(quoted, "|")
}

// expression is gopet's target expression for the weights of linear layers.
func (b *base) expression(layers []string) string {
	for _, word := range []string{"qv", "all-linear"} {
		if named, err := pet.Targets(b.model, word); err == nil && sameWeights(named, layers) {
			return word
		}
	}
	return "(" + alternatives(layers) + `)\.weight`
}

func sameWeights(parameters []*nn.Parameter, layers []string) bool {
	return len(parameters) == len(layers) && !slices.ContainsFunc(parameters, func(p *nn.Parameter) bool {
		return !slices.Contains(layers, strings.TrimSuffix(p.Name, ".weight"))
	})
}
