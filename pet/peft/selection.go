package peft

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// selection is which modules a configuration of peft says to tune. The tensors
// of an adapter say it too, and must agree.
type selection struct {
	targets, excluded names
	layers            []int64  // their numbers; empty for all
	lists             []string // the lists of layers that are numbered; empty for any
}

// selectionFields are the fields that select modules.
var selectionFields = fields{
	"target_modules": anything, "exclude_modules": anything, "layers_to_transform": anything, "layers_pattern": anything,
}

// UnmarshalJSON reads the fields of a whole configuration.
func (s *selection) UnmarshalJSON(text []byte) error {
	var config struct {
		Targets  names             `json:"target_modules"`
		Excluded names             `json:"exclude_modules"`
		Layers   oneOrMany[int64]  `json:"layers_to_transform"`
		Lists    oneOrMany[string] `json:"layers_pattern"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	*s = selection{config.Targets, config.Excluded, config.Layers, config.Lists}
	return nil
}

// oneOrMany is a JSON list, or a value that stands for a list of it alone.
type oneOrMany[T any] []T

func (l *oneOrMany[T]) UnmarshalJSON(text []byte) error {
	var one T
	if err := json.Unmarshal(text, (*[]T)(l)); err == nil {
		return nil
	}
	err := json.Unmarshal(text, &one)
	*l = oneOrMany[T]{one}
	return err
}

// names are module names: a list of their ends, or an expression for the whole.
type names struct {
	ends       []string
	whole      *regexp.Regexp
	allLinear  bool
	unreadable bool // an expression that only Python has
}

func (n *names) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &n.ends); err == nil {
		return nil
	}
	var expression string
	if err := json.Unmarshal(text, &expression); err != nil {
		return fmt.Errorf("want a list of names or a regular expression: %w", err)
	}
	n.allLinear = strings.EqualFold(expression, "all-linear")
	var err error
	n.whole, err = regexp.Compile("^(?:" + expression + ")$")
	n.unreadable = err != nil
	return nil
}

func (n names) match(module string) bool {
	if n.whole != nil {
		return n.whole.MatchString(module)
	}
	return slices.ContainsFunc(n.ends, func(end string) bool { return endsIn(module, end) })
}

// check compares the layers that an adapter's tensors tune with those selected.
// What only Python's regular expressions can read (ones that look ahead or
// behind) selects what the tensors say; so does no selection at all.
func (s selection) check(b *base, layers []layer) error {
	if s.targets.unreadable || s.excluded.unreadable || s.targets.whole == nil && s.targets.ends == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(b.linears)) {
		tuned, selected := slices.ContainsFunc(layers, func(l layer) bool { return l.name == name }), s.selects(b, name)
		if tuned && !selected {
			return fmt.Errorf("it has tensors of %q, which its target_modules leave out", name)
		}
		if selected && !tuned {
			return fmt.Errorf("its target_modules name %q, of which it has no tensors", name)
		}
	}
	return nil
}

func (s selection) selects(b *base, layer string) bool {
	module := b.outer(layer)
	if b.isHead(layer) || s.excluded.match(module) {
		return false
	}
	if s.targets.allLinear {
		return layer != "lm_head"
	}
	return s.targets.match(module) && (len(s.layers) == 0 || slices.Contains(s.layers, s.layerOf(module)))
}

// layerOf is the number of the layer that a module lies in; -1 for none.
func (s selection) layerOf(module string) int64 {
	patterns := []string{`^.*?\.[^.]*\.(\d+)\.`}
	if len(s.lists) > 0 {
		patterns = nil
		for _, list := range s.lists {
			patterns = append(patterns, `^(?:|.*?\.)(?:`+list+`)\.(\d+)\.`)
		}
	}
	for _, pattern := range patterns {
		expression, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		if found := expression.FindStringSubmatch(module); found != nil {
			number, err := strconv.ParseInt(found[len(found)-1], 10, 64)
			if err == nil {
				return number
			}
		}
	}
	return -1
}
