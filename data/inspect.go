package data

import (
	"context"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/gopet-ml/gopet/data/column"
)

// A Report describes a data set.
type Report struct {
	Fingerprint string        `json:"fingerprint"`
	Splits      []SplitReport `json:"splits"`
}

// A SplitReport describes one split.
type SplitReport struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Blocks counts the units in which rows are read, row groups as a rule,
	// and LargestBlock is the rows of the largest.
	Blocks       int `json:"blocks"`
	LargestBlock int `json:"largest_block"`
	// Files are the files the rows are in, with the rows of each.
	Files   []FileReport   `json:"files,omitempty"`
	Columns []ColumnReport `json:"columns"`
	// Samples are the values of the first few rows.
	Samples []map[string]any `json:"samples"`
}

// A FileReport describes one file.
type FileReport struct {
	Path string `json:"path"`
	Rows int64  `json:"rows"`
}

// A ColumnReport describes the values of one column in a split.
type ColumnReport struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Nulls int64  `json:"nulls"`
	// Classes are the label counts of a column with class names, in class
	// order; numbers that no class has are counted in Unknown.
	Classes []ClassReport `json:"classes,omitempty"`
	Unknown int64         `json:"unknown,omitempty"`
	// Characters is how long the texts of a string column are.
	Characters *Quantiles `json:"characters,omitempty"`
	// InvalidUTF8 counts the texts that no task accepts.
	InvalidUTF8 int64 `json:"invalid_utf8,omitempty"`
}

// A ClassReport counts the rows of a class.
type ClassReport struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Quantiles are the smallest value, those that a tenth, half, nine tenths and
// 99 of 100 are not above, and the largest.
type Quantiles struct {
	Min    int `json:"min"`
	P10    int `json:"p10"`
	Median int `json:"median"`
	P90    int `json:"p90"`
	P99    int `json:"p99"`
	Max    int `json:"max"`
}

// sampleRows is how many rows of each split a report shows.
const sampleRows = 3

// Inspect opens the data set that spec names and reads all of it, in bounded
// memory but for four bytes a text.
func Inspect(ctx context.Context, spec string) (Report, error) {
	d, err := Open(spec)
	if err != nil {
		return Report{}, err
	}
	report := Report{Fingerprint: d.Fingerprint()}
	for _, split := range d.Splits() {
		s, err := inspectSplit(ctx, split)
		if err != nil {
			return Report{}, fmt.Errorf("split %q: %w", split.Name(), err)
		}
		report.Splits = append(report.Splits, s)
	}
	return report, nil
}

// A columnTally is a ColumnReport in the making.
type columnTally struct {
	ColumnReport
	schema  column.Schema
	lengths []int32
}

func inspectSplit(ctx context.Context, split Split) (SplitReport, error) {
	report := SplitReport{Name: split.Name(), Rows: NumRows(split), Blocks: len(split.BlockRows())}
	for _, rows := range split.BlockRows() {
		report.LargestBlock = max(report.LargestBlock, rows)
	}
	tallies, names := newTallies(split)
	for i := range split.BlockRows() {
		block, err := split.ReadBlock(ctx, i, names)
		if err != nil {
			return SplitReport{}, err
		}
		report.addFile(block.Place, split.BlockRows()[i])
		for _, t := range tallies {
			t.add(block)
		}
		for j := 0; j < block.Len() && len(report.Samples) < sampleRows; j++ {
			report.Samples = append(report.Samples, sample(block, j))
		}
	}
	for _, t := range tallies {
		t.Characters = quantiles(t.lengths)
		report.Columns = append(report.Columns, t.ColumnReport)
	}
	return report, nil
}

// newTallies returns a tally a column and the names of those that can be read.
func newTallies(split Split) (tallies []*columnTally, readable []string) {
	for _, c := range split.Columns() {
		t := &columnTally{schema: c, ColumnReport: ColumnReport{Name: c.Name, Kind: c.Kind.String()}}
		for _, class := range c.Classes {
			t.Classes = append(t.Classes, ClassReport{Name: class})
		}
		tallies = append(tallies, t)
		if c.Kind != column.Other {
			readable = append(readable, c.Name)
		}
	}
	return tallies, readable
}

func (r *SplitReport) addFile(path string, rows int) {
	if n := len(r.Files); n == 0 || r.Files[n-1].Path != path {
		r.Files = append(r.Files, FileReport{Path: path})
	}
	r.Files[len(r.Files)-1].Rows += int64(rows)
}

func (t *columnTally) add(block *Block) {
	i := slices.IndexFunc(block.Columns, func(v column.Values) bool { return v.Name == t.Name })
	if i < 0 {
		return
	}
	values := &block.Columns[i]
	for row := range values.Len() {
		switch {
		case values.IsNull(row):
			t.Nulls++
		case values.Kind == column.String:
			t.addText(values.Strings[row])
		case values.Kind == column.Int && t.Classes != nil:
			t.addClass(values.Ints[row])
		}
	}
}

func (t *columnTally) addText(text string) {
	if !utf8.ValidString(text) {
		t.InvalidUTF8++
	}
	t.lengths = append(t.lengths, int32(utf8.RuneCountInString(text)))
}

func (t *columnTally) addClass(class int64) {
	if class < 0 || class >= int64(len(t.Classes)) {
		t.Unknown++
		return
	}
	t.Classes[class].Rows++
}

func sample(block *Block, row int) map[string]any {
	values := map[string]any{}
	for i := range block.Columns {
		value := block.Columns[i].At(row)
		if f, ok := value.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			value = fmt.Sprint(f) // JSON has no such number
		}
		values[block.Columns[i].Name] = value
	}
	return values
}

func quantiles(lengths []int32) *Quantiles {
	if len(lengths) == 0 {
		return nil
	}
	slices.Sort(lengths)
	at := func(share float64) int { return int(lengths[int(share*float64(len(lengths)-1))]) }
	return &Quantiles{Min: at(0), P10: at(0.1), Median: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}
