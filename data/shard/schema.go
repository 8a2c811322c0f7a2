package shard

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/gopet-ml/gopet/data/column"
)

// A tableColumn is one top-level column of the schema and where its values lie.
type tableColumn struct {
	column.Schema
	leaf
}

// A leaf is a column of values in the file's layout: Dremel's levels say how
// they form lists and where there are none.
// https://github.com/apache/parquet-format/blob/master/README.md#nested-encoding
type leaf struct {
	index         int // among the row group's column chunks
	physical      format.Type
	text          bool
	maxRepetition int
	maxDefinition int
	// elementLevel is the definition level from which on a repeated leaf's
	// entry is an element of a list instead of standing for a list without any.
	elementLevel int
}

var errSchema = errors.New("malformed schema")

const maxSchemaDepth = 64

// readColumns returns the top-level columns of a schema, which lists its
// elements depth first, and the number of leaves.
func readColumns(elements []format.SchemaElement) ([]tableColumn, int, error) {
	if len(elements) == 0 {
		return nil, 0, fmt.Errorf("%w: it has no root", errSchema)
	}
	walk := schemaWalk{elements: elements[1:]}
	var columns []tableColumn
	for range elements[0].NumChildren.V {
		name, leaves, err := walk.next(leaf{}, 1)
		if err != nil {
			return nil, 0, err
		}
		columns = append(columns, newTableColumn(name, leaves))
	}
	if len(walk.elements) > 0 {
		return nil, 0, fmt.Errorf("%w: %d elements belong to no column", errSchema, len(walk.elements))
	}
	return columns, walk.leaves, nil
}

type schemaWalk struct {
	elements []format.SchemaElement // those not yet visited
	leaves   int
}

// next takes one element with all that is below it and returns its name and
// its leaves; levels are those of its parent.
func (w *schemaWalk) next(levels leaf, depth int) (string, []leaf, error) {
	if len(w.elements) == 0 || depth > maxSchemaDepth {
		return "", nil, fmt.Errorf("%w: it ends too early or is too deep", errSchema)
	}
	e := w.elements[0]
	w.elements = w.elements[1:]
	switch e.RepetitionType.V {
	case format.Optional:
		levels.maxDefinition++
	case format.Repeated:
		levels.maxDefinition++
		levels.maxRepetition++
		levels.elementLevel = levels.maxDefinition
	}
	if e.Type.Valid {
		levels.index = w.leaves
		levels.physical = e.Type.V
		levels.text = isText(&e)
		w.leaves++
		return e.Name, []leaf{levels}, nil
	}
	var leaves []leaf
	for range e.NumChildren.V {
		_, below, err := w.next(levels, depth+1)
		if err != nil {
			return "", nil, err
		}
		leaves = append(leaves, below...)
	}
	return e.Name, leaves, nil
}

// isText reports whether a byte array holds text. Older writers leave out the
// annotation, so bytes without any count as text: reading checks the UTF-8.
func isText(e *format.SchemaElement) bool {
	if e.Type.V != format.ByteArray {
		return false
	}
	switch e.LogicalType.Value.(type) {
	case *format.StringType, *format.JsonType, *format.EnumType:
		return true
	case nil:
		c := e.ConvertedType
		return !c.Valid || c.V == deprecated.UTF8 || c.V == deprecated.Json || c.V == deprecated.Enum
	default:
		return false
	}
}

func newTableColumn(name string, leaves []leaf) tableColumn {
	c := tableColumn{Schema: column.Schema{Name: name}}
	if len(leaves) != 1 {
		return c
	}
	c.leaf = leaves[0]
	switch {
	case c.maxRepetition == 1 && c.text:
		c.Kind = column.Strings
	case c.maxRepetition > 0:
	default:
		c.Kind = c.valueKind()
	}
	return c
}

// valueKind is the kind of the leaf's single values.
func (l *leaf) valueKind() column.Kind {
	switch l.physical {
	case format.Boolean:
		return column.Bool
	case format.Int32, format.Int64:
		return column.Int
	case format.Float, format.Double:
		return column.Float
	case format.ByteArray:
		if l.text {
			return column.String
		}
	}
	return column.Other
}

// HubKey is the key of the file's metadata under which the Hugging Face
// `datasets` package keeps a table's features as JSON.
const HubKey = "huggingface"

type hubMetadata struct {
	Info struct {
		Features map[string]any `json:"features"`
	} `json:"info"`
}

type hubFeature struct {
	Names []string `json:"names,omitempty"`
	DType string   `json:"dtype,omitempty"`
	Type  string   `json:"_type,omitempty"`
}

const classLabel = "ClassLabel"

// addClasses sets the class names that the Hub's metadata gives columns.
func addClasses(columns []tableColumn, metadata []format.KeyValue) error {
	for _, kv := range metadata {
		if kv.Key != HubKey {
			continue
		}
		features, err := parseFeatures(kv.Value)
		if err != nil {
			return fmt.Errorf("metadata %q: %w", HubKey, err)
		}
		for i := range columns {
			columns[i].Classes = features[columns[i].Name]
		}
	}
	return nil
}

// parseFeatures returns the class names by column. Features of other types
// may be any JSON (a list is an array, for one), so each is parsed by itself.
func parseFeatures(text string) (map[string][]string, error) {
	var metadata struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if err := json.Unmarshal([]byte(text), &metadata); err != nil {
		return nil, err
	}
	classes := map[string][]string{}
	for name, raw := range metadata.Info.Features {
		var f hubFeature
		if json.Unmarshal(raw, &f) == nil && f.Type == classLabel {
			classes[name] = f.Names
		}
	}
	return classes, nil
}
