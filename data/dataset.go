// Package data feeds training: data sets as splits of rows, streamed in a
// seeded order that can be resumed at any row.
//
// Open reads a directory or glob of Parquet shards in the layout of the
// Hugging Face Hub. Other row sources are added with RegisterSource and opened
// with "scheme:rest"; to be one, a source lists its blocks of rows and reads
// any of them, and Reader does the rest.
//
// Data goes down the line: a Reader's rows, a task's texts and labels (package
// task), a tokenizer's ids, batches of like length (package batch).
package data

import (
	"context"
	"fmt"

	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// The names of the splits that a data set may have.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// SplitNames lists the splits in their usual order.
var SplitNames = []string{Train, Validation, Test}

// A Dataset is a set of splits. It holds no open files and is safe for use by
// many goroutines.
type Dataset interface {
	// Splits returns the splits that are there, in the order of SplitNames.
	Splits() []Split
	// Fingerprint identifies the data: equal where the data is the same. It is
	// cheap, so it may be made of sizes and metadata instead of every value.
	Fingerprint() string
}

// A Split is a sequence of rows in blocks that can be read in any order, by
// many goroutines at once.
type Split interface {
	// Name is one of SplitNames.
	Name() string
	// Columns returns the columns that every block has.
	Columns() []column.Schema
	// BlockRows returns the number of rows of each block; their sum is the
	// split's. It is not to be changed.
	BlockRows() []int
	// ReadBlock reads the named columns of block i, no others. The result
	// belongs to the caller.
	ReadBlock(ctx context.Context, i int, columns []string) (*Block, error)
}

// FindSplit returns the split of that name, or an error that lists those
// there are.
func FindSplit(d Dataset, name string) (Split, error) {
	var names []string
	for _, s := range d.Splits() {
		if s.Name() == name {
			return s, nil
		}
		names = append(names, s.Name())
	}
	return nil, fmt.Errorf("the data has no split %q; %s", name, nearest.Hint(name, names))
}

// NumRows returns the number of rows of a split.
func NumRows(s Split) int64 {
	var n int64
	for _, rows := range s.BlockRows() {
		n += int64(rows)
	}
	return n
}

// FindColumn returns the schema of the named column, or an error that names
// the nearest one there is.
func FindColumn(s Split, name string) (column.Schema, error) {
	columns := s.Columns()
	for _, c := range columns {
		if c.Name == name {
			return c, nil
		}
	}
	return column.Schema{}, fmt.Errorf("split %q has no column %q; %s", s.Name(), name, nearest.Hint(name, column.Names(columns)))
}
