package shard

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/gopet-ml/gopet/data/column"
)

// A Writer writes one Parquet file as the Hugging Face `datasets` package
// reads it: optional columns, snappy compression, page checksums, and the
// features with their class names in the metadata.
type Writer struct {
	columns []column.Schema
	writer  *parquet.GenericWriter[any]
	rows    []parquet.Row
}

// NewWriter returns a Writer of the given columns to w. Column names must
// differ, and no kind may be column.Other.
func NewWriter(w io.Writer, columns []column.Schema) (*Writer, error) {
	schema, err := writeSchema(columns)
	if err != nil {
		return nil, err
	}
	features, err := hubFeatures(columns)
	if err != nil {
		return nil, err
	}
	return &Writer{
		columns: columns,
		writer: parquet.NewGenericWriter[any](w, schema,
			parquet.Compression(&parquet.Snappy),
			parquet.KeyValueMetadata(HubKey, features),
			parquet.CreatedBy("gopet", "1", "parquet-go")),
	}, nil
}

// Write writes one row group. There is one Values a column, in the order of
// the columns, all of the same length.
func (w *Writer) Write(group []column.Values) error {
	if len(group) != len(w.columns) {
		return fmt.Errorf("%d columns of values for a file of %d", len(group), len(w.columns))
	}
	n := group[0].Len()
	w.rows = slices.Grow(w.rows[:0], n)
	for i := range n {
		row := make(parquet.Row, 0, len(group))
		for c := range group {
			if group[c].Kind != w.columns[c].Kind || group[c].Len() != n {
				return fmt.Errorf("column %q: %d %ss do not fit %d rows of %ss",
					w.columns[c].Name, group[c].Len(), group[c].Kind, n, w.columns[c].Kind)
			}
			row = appendValue(row, &group[c], i, c)
		}
		w.rows = append(w.rows, row)
	}
	if _, err := w.writer.WriteRows(w.rows); err != nil {
		return err
	}
	return w.writer.Flush()
}

// Close writes the footer. It does not close the underlying writer.
func (w *Writer) Close() error { return w.writer.Close() }

// Levels of an optional column, and of a list as Parquet's three-level layout
// nests it: an optional list of repeated optional elements.
const (
	levelValue     = 1
	levelEmptyList = 1
	levelElement   = 3
)

func appendValue(row parquet.Row, values *column.Values, i, c int) parquet.Row {
	if values.IsNull(i) {
		return append(row, parquet.NullValue().Level(0, 0, c))
	}
	if values.Kind == column.Strings {
		return appendList(row, values.Lists[i], c)
	}
	return append(row, parquet.ValueOf(values.At(i)).Level(0, levelValue, c))
}

func appendList(row parquet.Row, list []string, c int) parquet.Row {
	if len(list) == 0 {
		return append(row, parquet.NullValue().Level(0, levelEmptyList, c))
	}
	for j, element := range list {
		row = append(row, parquet.ValueOf(element).Level(min(j, 1), levelElement, c))
	}
	return row
}

func writeSchema(columns []column.Schema) (*parquet.Schema, error) {
	group := parquet.Group{}
	for _, c := range columns {
		if _, twice := group[c.Name]; twice {
			return nil, fmt.Errorf("column %q is there twice", c.Name)
		}
		node, err := writeNode(c)
		if err != nil {
			return nil, err
		}
		group[c.Name] = node
	}
	return parquet.NewSchema("schema", orderedGroup{group, column.Names(columns)}), nil
}

// writeNode chooses dictionary encoding for numbers, of which labels repeat,
// and plain encoding for text, which every reader knows.
func writeNode(c column.Schema) (parquet.Node, error) {
	switch c.Kind {
	case column.String:
		return parquet.Optional(parquet.Encoded(parquet.String(), &parquet.Plain)), nil
	case column.Int:
		return parquet.Optional(parquet.Encoded(parquet.Int(64), &parquet.RLEDictionary)), nil
	case column.Float:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType)), nil
	case column.Bool:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType)), nil
	case column.Strings:
		element := parquet.Optional(parquet.Encoded(parquet.String(), &parquet.Plain))
		return parquet.Optional(parquet.List(element)), nil
	default:
		return nil, fmt.Errorf("column %q is of a type that cannot be written", c.Name)
	}
}

// orderedGroup is a parquet.Group that keeps its columns in order; the map
// alone sorts them by name.
type orderedGroup struct {
	parquet.Group
	names []string
}

func (g orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}

// hubFeatures returns the metadata that gives the Hub's types of columns.
func hubFeatures(columns []column.Schema) (string, error) {
	var metadata hubMetadata
	metadata.Info.Features = map[string]any{}
	for _, c := range columns {
		metadata.Info.Features[c.Name] = hubFeatureOf(c)
	}
	text, err := json.Marshal(metadata)
	return string(text), err
}

func hubFeatureOf(c column.Schema) any {
	value := func(dtype string) hubFeature { return hubFeature{DType: dtype, Type: "Value"} }
	switch {
	case c.Classes != nil:
		return hubFeature{Names: c.Classes, Type: classLabel}
	case c.Kind == column.String:
		return value("string")
	case c.Kind == column.Int:
		return value("int64")
	case c.Kind == column.Float:
		return value("float64")
	case c.Kind == column.Bool:
		return value("bool")
	default: // a list: the array form is read by every version of `datasets`
		return []hubFeature{value("string")}
	}
}
