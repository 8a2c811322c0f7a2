package data

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// A Block is a run of consecutive rows held by columns, the unit in which a
// source is read.
type Block struct {
	// Place names what the rows come from, a file as a rule, in messages.
	Place string
	// First is the number of the block's first row within Place.
	First int64
	// Columns are equally long.
	Columns []column.Values
}

// Len returns the number of rows.
func (b *Block) Len() int {
	if len(b.Columns) == 0 {
		return 0
	}
	return b.Columns[0].Len()
}

// A Row is one row of a block: a small view, cheap to copy, that keeps the
// block alive.
type Row struct {
	block  *Block
	index  int
	number int64
}

// Row returns row i of the block; number is its place in the whole split.
func (b *Block) Row(i int, number int64) Row { return Row{block: b, index: i, number: number} }

// Number returns the row's place in its split, from 0, in file order.
func (r Row) Number() int64 { return r.number }

// Place says where the row is, for messages: "train.parquet: row 12". Rows
// count from 0 within the file.
func (r Row) Place() string {
	return fmt.Sprintf("%s: row %d", r.block.Place, r.block.First+int64(r.index))
}

// Columns returns the names and types of the columns that were read.
func (r Row) Columns() []column.Schema {
	out := make([]column.Schema, len(r.block.Columns))
	for i := range out {
		out[i] = r.block.Columns[i].Schema
	}
	return out
}

// Has reports whether the row has a column of that name.
func (r Row) Has(name string) bool { return r.find(name) != nil }

// Value returns a column's value as string, int64, float64, bool or []string,
// or nil where it is null or there is no such column.
func (r Row) Value(name string) any {
	v := r.find(name)
	if v == nil {
		return nil
	}
	return v.At(r.index)
}

// Text returns a column's text. A null, invalid UTF-8 and a column of another
// type are errors that name the file, the row and the column. Empty text is
// text.
func (r Row) Text(name string) (string, error) {
	v, err := r.get(name, column.String)
	if err != nil {
		return "", err
	}
	text := v.Strings[r.index]
	if !utf8.ValidString(text) {
		return "", r.Errorf("column %q is not valid UTF-8", name)
	}
	return text, nil
}

// Texts returns a column's list of texts, with the errors of Text.
func (r Row) Texts(name string) ([]string, error) {
	v, err := r.get(name, column.Strings)
	if err != nil {
		return nil, err
	}
	for _, text := range v.Lists[r.index] {
		if !utf8.ValidString(text) {
			return nil, r.Errorf("column %q is not valid UTF-8", name)
		}
	}
	return v.Lists[r.index], nil
}

// Errorf returns an error that begins with the row's place.
func (r Row) Errorf(format string, args ...any) error {
	return fmt.Errorf(r.Place()+": "+format, args...)
}

func (r Row) find(name string) *column.Values {
	for i := range r.block.Columns {
		if r.block.Columns[i].Name == name {
			return &r.block.Columns[i]
		}
	}
	return nil
}

func (r Row) get(name string, kind column.Kind) (*column.Values, error) {
	v := r.find(name)
	if v == nil {
		return nil, r.Errorf("no column %q; %s", name, nearest.Hint(name, column.Names(r.Columns())))
	}
	if v.Kind != kind {
		return nil, r.Errorf("column %q is of type %s, not %s", name, v.Kind, kind)
	}
	if v.IsNull(r.index) {
		return nil, r.Errorf("column %q is null", name)
	}
	return v, nil
}

// RowOf makes a row of values by column name: string, bool, []string, any
// integer or float type, json.Number, a []any of strings, or nil. Whole floats
// become integers, as JSON does not tell them apart. Place and number are what
// the row says of itself.
func RowOf(place string, number int64, values map[string]any) (Row, error) {
	block := &Block{Place: place, First: number}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		kind, value, err := columnValue(values[name])
		if err != nil {
			return Row{}, fmt.Errorf("%s: row %d: column %q: %w", place, number, name, err)
		}
		v := column.Values{Schema: column.Schema{Name: name, Kind: kind}}
		if err := v.Append(value); err != nil {
			return Row{}, fmt.Errorf("%s: row %d: %w", place, number, err)
		}
		block.Columns = append(block.Columns, v)
	}
	return block.Row(0, number), nil
}

// columnValue returns value as one of the types that column.Values holds.
func columnValue(value any) (column.Kind, any, error) {
	switch v := value.(type) {
	case nil:
		return column.String, nil, nil
	case string:
		return column.String, v, nil
	case bool:
		return column.Bool, v, nil
	case []string:
		return column.Strings, v, nil
	case int:
		return column.Int, int64(v), nil
	case int32:
		return column.Int, int64(v), nil
	case int64:
		return column.Int, v, nil
	case float32:
		return number(float64(v))
	case float64:
		return number(v)
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return column.Int, whole, nil
		}
		f, err := v.Float64()
		return column.Float, f, err
	case []any:
		return stringList(v)
	default:
		return column.Other, nil, fmt.Errorf("a value of type %T is not supported", value)
	}
}

func number(f float64) (column.Kind, any, error) {
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) <= exact {
		return column.Int, int64(f), nil
	}
	return column.Float, f, nil
}

func stringList(values []any) (column.Kind, any, error) {
	list := make([]string, len(values))
	for i, v := range values {
		s, ok := v.(string)
		if !ok {
			return column.Other, nil, fmt.Errorf("a list may hold texts only, not %T", v)
		}
		list[i] = s
	}
	return column.Strings, list, nil
}
