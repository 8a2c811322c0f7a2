// Package column describes one column of a table and holds its values: what
// the Parquet reader and other row sources hand to package data.
package column

import "fmt"

// A Kind is the type of a column's values.
type Kind int

// The kinds a task can use. Other is a column of any other type: it may be in
// a table, but its values cannot be read.
const (
	Other   Kind = iota
	String       // UTF-8 text
	Int          // integers of any width, as int64
	Float        // floats of any width, as float64
	Bool         // true or false
	Strings      // lists of UTF-8 text
)

// String names the kind as messages and reports do.
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Int:
		return "int"
	case Float:
		return "float"
	case Bool:
		return "bool"
	case Strings:
		return "list of string"
	default:
		return "other"
	}
}

// A Schema is the name and type of a column.
type Schema struct {
	Name string
	Kind Kind
	// Classes are the names of the classes an Int column counts from 0 (a
	// ClassLabel of the Hugging Face Hub), nil for an ordinary column.
	Classes []string
}

// Names returns the names of columns, in order.
func Names(columns []Schema) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// Values are consecutive rows of one column. Of the slices the one that fits
// Kind holds one value a row, the others are nil.
type Values struct {
	Schema
	Strings []string
	Ints    []int64
	Floats  []float64
	Bools   []bool
	Lists   [][]string
	// Null marks the rows without a value; nil means that there are none. A
	// null row's entry in the slices above is the zero value.
	Null []bool
}

// Len returns the number of rows.
func (v *Values) Len() int {
	switch v.Kind {
	case String:
		return len(v.Strings)
	case Int:
		return len(v.Ints)
	case Float:
		return len(v.Floats)
	case Bool:
		return len(v.Bools)
	case Strings:
		return len(v.Lists)
	default:
		return 0
	}
}

// IsNull reports whether row i has no value.
func (v *Values) IsNull(i int) bool { return v.Null != nil && v.Null[i] }

// At returns the value of row i as a string, int64, float64, bool or
// []string, or nil where it is null.
func (v *Values) At(i int) any {
	if v.IsNull(i) {
		return nil
	}
	switch v.Kind {
	case String:
		return v.Strings[i]
	case Int:
		return v.Ints[i]
	case Float:
		return v.Floats[i]
	case Bool:
		return v.Bools[i]
	case Strings:
		return v.Lists[i]
	default:
		return nil
	}
}

// Append adds one row: a string, int64, float64, bool or []string as Kind
// asks, or nil for null. A value of another type is an error and adds nothing.
func (v *Values) Append(value any) error {
	n := v.Len()
	ok := true
	switch v.Kind {
	case String:
		v.Strings, ok = appendAs(v.Strings, value)
	case Int:
		v.Ints, ok = appendAs(v.Ints, value)
	case Float:
		v.Floats, ok = appendAs(v.Floats, value)
	case Bool:
		v.Bools, ok = appendAs(v.Bools, value)
	case Strings:
		v.Lists, ok = appendAs(v.Lists, value)
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("column %q holds %ss, not %T", v.Name, v.Kind, value)
	}
	if value == nil && v.Null == nil {
		v.Null = make([]bool, n)
	}
	if v.Null != nil {
		v.Null = append(v.Null, value == nil)
	}
	return nil
}

func appendAs[T any](to []T, value any) ([]T, bool) {
	if value == nil {
		var zero T
		return append(to, zero), true
	}
	v, ok := value.(T)
	if !ok {
		return to, false
	}
	return append(to, v), true
}
