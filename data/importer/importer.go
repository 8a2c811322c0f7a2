// Package importer turns tables in text files into the Parquet shards that
// package data reads: tab-separated and comma-separated values, JSON lines,
// plain text and Orange's .tab.
//
// Files are gone through twice, first to learn columns, labels and counts, then
// to write, so memory holds one row group a split however large they are. The
// shards appear all at once: they are written into a directory beside the one
// asked for, which is renamed when everything is on disk.
package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// Options say what is imported and how.
type Options struct {
	// Inputs are the files of each split: train, validation or test. A split's
	// files follow one another; all files have the same columns.
	Inputs map[string][]string
	// Out is the directory to make. It must be missing or empty.
	Out string
	// Format of all files; FormatAuto goes by each file's extension.
	Format Format
	// Quotes says what quotation marks mean; QuotesAuto goes by the format.
	Quotes Quotes
	// Label is the column of labels, which is stored as class numbers with
	// their names, sorted, in the metadata. Where it is empty, the class column
	// of Orange files is taken, and other formats have none.
	Label string
	// Validation is the share of the training rows, from 0 to below 1, that
	// becomes a validation split, the same share of every class. Which rows
	// they are is a function of Seed.
	Validation float64
	Seed       int64
	// ShardRows and RowGroupRows are the most rows of a file and of a row
	// group; DefaultShardRows and DefaultRowGroupRows where 0.
	ShardRows, RowGroupRows int
}

// The sizes of files and row groups unless told otherwise.
const (
	DefaultShardRows    = 100_000
	DefaultRowGroupRows = 1000
)

// A Summary says what was imported.
type Summary struct {
	Out     string         `json:"out"`
	Columns []string       `json:"columns"`
	Label   string         `json:"label,omitempty"`
	Splits  []SplitSummary `json:"splits"`
}

// A SplitSummary says what became of one split.
type SplitSummary struct {
	Name   string       `json:"name"`
	Rows   int64        `json:"rows"`
	Shards int          `json:"shards"`
	Labels []LabelCount `json:"labels,omitempty"`
}

// A LabelCount is the number of rows of one class.
type LabelCount struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Import writes the shards. On an error, cancellation included, it leaves
// nothing behind.
func Import(ctx context.Context, options Options) (Summary, error) {
	if err := options.check(); err != nil {
		return Summary{}, err
	}
	t, err := survey(ctx, &options)
	if err != nil {
		return Summary{}, err
	}
	plan, err := newPlan(t, &options)
	if err != nil {
		return Summary{}, err
	}
	if err := writeAll(ctx, t, plan, &options); err != nil {
		return Summary{}, err
	}
	return plan.summary(t, &options), nil
}

func (o *Options) check() error {
	if len(o.Inputs) == 0 {
		return errors.New("import: no input files")
	}
	for name, files := range o.Inputs {
		if !slices.Contains(data.SplitNames, name) {
			return fmt.Errorf("import: unknown split %q; %s", name, nearest.Hint(name, data.SplitNames))
		}
		if len(files) == 0 {
			return fmt.Errorf("import: split %q has no files", name)
		}
	}
	if !(o.Validation >= 0 && o.Validation < 1) { // NaN is neither
		return fmt.Errorf("import: a validation share of %v is not from 0 to below 1", o.Validation)
	}
	if o.Validation > 0 && (len(o.Inputs[data.Train]) == 0 || len(o.Inputs[data.Validation]) > 0) {
		return errors.New("import: a validation share is cut from train, so it needs a train split and no validation split")
	}
	if o.ShardRows < 0 || o.RowGroupRows < 0 {
		return errors.New("import: rows of a shard or row group below 0")
	}
	if o.ShardRows == 0 {
		o.ShardRows = DefaultShardRows
	}
	if o.RowGroupRows == 0 {
		o.RowGroupRows = DefaultRowGroupRows
	}
	return checkOut(o.Out)
}

func checkOut(out string) error {
	if out == "" {
		return errors.New("import: no directory to write to")
	}
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("import: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("import: directory %s is not empty: choose another or remove it", out)
	}
	return nil
}

// scanInputs passes every row of a split's files to visit.
func (o *Options) scanInputs(ctx context.Context, split string, visit visitor) error {
	for _, path := range o.Inputs[split] {
		if err := o.scanFile(ctx, path, visit); err != nil {
			return err
		}
	}
	return nil
}

// splitsGiven returns the splits that have files, in their usual order.
func (o *Options) splitsGiven() []string {
	var names []string
	for _, name := range data.SplitNames {
		if len(o.Inputs[name]) > 0 {
			names = append(names, name)
		}
	}
	return names
}

func (p *plan) summary(t *table, o *Options) Summary {
	s := Summary{Out: o.Out, Columns: column.Names(t.schemas()), Label: t.label}
	for _, name := range data.SplitNames {
		split := p.splits[name]
		if split == nil {
			continue
		}
		sum := SplitSummary{Name: name, Rows: split.rows, Shards: split.shards}
		for class, word := range t.classes {
			sum.Labels = append(sum.Labels, LabelCount{Name: word, Rows: split.classRows[class]})
		}
		s.Splits = append(s.Splits, sum)
	}
	return s
}
