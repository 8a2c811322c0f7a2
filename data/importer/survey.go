package importer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// A table is what the first pass learns of the inputs.
type table struct {
	columns []*tableColumn
	byName  map[string]int
	label   string   // the label column, "" if none
	classes []string // label words in class order

	firstPath string // the file that settled the columns
	rows      map[string]*splitCount
}

// splitCount counts a split's rows, in all and by label word.
type splitCount struct {
	rows   int64
	labels map[string]int64
}

// A tableColumn gathers what kinds of values a column holds.
type tableColumn struct {
	name string
	seen map[column.Kind]place // of each kind, where it was seen first
	// untyped says that the format does not tell numbers from text, so that a
	// column of both is text.
	untyped bool
	kind    column.Kind // settled after the pass
}

// survey goes through all inputs once.
func survey(ctx context.Context, o *Options) (*table, error) {
	t := &table{byName: map[string]int{}, label: o.Label, rows: map[string]*splitCount{}}
	for _, split := range o.splitsGiven() {
		count := &splitCount{labels: map[string]int64{}}
		t.rows[split] = count
		err := o.scanInputs(ctx, split, func(at place, names []string, values []any, class string) error {
			return t.add(count, at, names, values, class)
		})
		if err != nil {
			return nil, err
		}
		if count.rows == 0 {
			return nil, fmt.Errorf("import: split %q has no rows in %v", split, o.Inputs[split])
		}
	}
	if err := t.settleKinds(); err != nil {
		return nil, err
	}
	return t, t.settleClasses()
}

func (t *table) add(count *splitCount, at place, names []string, values []any, class string) error {
	if t.label == "" {
		t.label = class
	}
	if t.firstPath == "" {
		t.firstPath = at.path
	}
	for i, name := range names {
		c, err := t.column(at, name, values[i])
		if err != nil {
			return err
		}
		c.note(at, values[i])
	}
	count.rows++
	if t.label == "" {
		return nil
	}
	word, err := t.labelOf(at, names, values)
	if err != nil {
		return err
	}
	count.labels[word]++
	return nil
}

// column returns the named column. A first file of a typed format may bring
// new ones on any row; the header of an untyped one settles them.
func (t *table) column(at place, name string, value any) (*tableColumn, error) {
	if i, known := t.byName[name]; known {
		return t.columns[i], nil
	}
	if at.path != t.firstPath {
		return nil, at.errorf("column %q is not in %s; %s", name, t.firstPath, nearest.Hint(name, t.names()))
	}
	_, isUntyped := value.(untyped)
	c := &tableColumn{name: name, seen: map[column.Kind]place{}, untyped: isUntyped}
	t.byName[name] = len(t.columns)
	t.columns = append(t.columns, c)
	return c, nil
}

func (t *table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

func (c *tableColumn) note(at place, value any) {
	kind := kindOf(value)
	if kind == column.Other {
		return
	}
	if _, seen := c.seen[kind]; !seen {
		c.seen[kind] = at
	}
}

// kindOf returns the kind of a value, Other for none.
func kindOf(value any) column.Kind {
	switch v := value.(type) {
	case untyped:
		return kindOfField(string(v))
	case string:
		return column.String
	case int64:
		return column.Int
	case float64:
		return column.Float
	case bool:
		return column.Bool
	case []string:
		return column.Strings
	default:
		return column.Other
	}
}

// kindOfField tells numbers from text. A number with a leading zero or plus is
// text, such as a postcode; so are the words for not-a-number and infinity.
func kindOfField(field string) column.Kind {
	if field == "" {
		return column.Other
	}
	if n, err := strconv.ParseInt(field, 10, 64); err == nil && strconv.FormatInt(n, 10) == field {
		return column.Int
	}
	digits := field
	if digits[0] == '-' {
		digits = digits[1:]
	}
	plain := len(digits) > 0 && digits[0] >= '0' && digits[0] <= '9' &&
		(digits[0] != '0' || len(digits) > 1 && digits[1] == '.')
	if _, err := strconv.ParseFloat(field, 64); err == nil && plain {
		return column.Float
	}
	return column.String
}

func (t *table) settleKinds() error {
	for _, c := range t.columns {
		kinds := make([]column.Kind, 0, len(c.seen))
		for kind := range c.seen {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		switch {
		case len(kinds) == 0:
			c.kind = column.String
		case len(kinds) == 1:
			c.kind = kinds[0]
		case slices.Equal(kinds, []column.Kind{column.Int, column.Float}):
			c.kind = column.Float
		case c.untyped:
			c.kind = column.String
		default:
			return c.seen[kinds[1]].errorf("column %q holds type %s here, and type %s in line %d of %s",
				c.name, kinds[1], kinds[0], c.seen[kinds[0]].line, c.seen[kinds[0]].path)
		}
	}
	return nil
}

// labelOf returns the row's label as a word.
func (t *table) labelOf(at place, names []string, values []any) (string, error) {
	i := slices.Index(names, t.label)
	if i < 0 {
		return "", at.errorf("no label column %q; %s", t.label, nearest.Hint(t.label, names))
	}
	word := ""
	switch v := values[i].(type) {
	case untyped:
		word = string(v)
	case string:
		word = v
	case int64:
		word = strconv.FormatInt(v, 10)
	case bool:
		word = strconv.FormatBool(v)
	case nil:
	default:
		return "", at.errorf("label column %q holds %v: labels are texts, whole numbers or bools", t.label, v)
	}
	if word == "" {
		return "", at.errorf("label column %q is empty", t.label)
	}
	return word, nil
}

// maxClasses keeps a column of free text from being taken for labels.
const maxClasses = 10_000

// settleClasses sorts the label words: by value if all are whole numbers, as
// text otherwise.
func (t *table) settleClasses() error {
	if t.label == "" {
		return nil
	}
	words := map[string]bool{}
	for _, count := range t.rows {
		for word := range count.labels {
			words[word] = true
		}
	}
	if len(words) > maxClasses {
		return fmt.Errorf("import: column %q has %d different values: it does not hold labels", t.label, len(words))
	}
	numbers := true
	for word := range words {
		t.classes = append(t.classes, word)
		numbers = numbers && kindOfField(word) == column.Int
	}
	slices.Sort(t.classes)
	if numbers {
		slices.SortFunc(t.classes, func(a, b string) int {
			x, _ := strconv.ParseInt(a, 10, 64)
			y, _ := strconv.ParseInt(b, 10, 64)
			return cmp.Compare(x, y)
		})
	}
	return nil
}

// schemas returns the columns as they are written.
func (t *table) schemas() []column.Schema {
	out := make([]column.Schema, len(t.columns))
	for i, c := range t.columns {
		out[i] = column.Schema{Name: c.name, Kind: c.kind}
		if c.name == t.label {
			out[i].Kind, out[i].Classes = column.Int, t.classes
		}
	}
	return out
}
