package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/shard"
	"github.com/gopet-ml/gopet/internal/atomicfile"
)

// writeAll goes through the inputs again and writes every split.
func writeAll(ctx context.Context, t *table, p *plan, o *Options) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(o.Out)), 0o777); err != nil {
		return err
	}
	var inputErr error // not a failure to write, so not worded as one
	err := atomicfile.WriteDir(o.Out, func(dir string) error {
		err := writeSplits(ctx, t, p, o, dir)
		var pathErr *os.PathError
		if err != nil && !errors.As(err, &pathErr) {
			inputErr = err
		}
		return err
	})
	if inputErr != nil {
		return inputErr
	}
	return err
}

func writeSplits(ctx context.Context, t *table, p *plan, o *Options, dir string) error {
	writers := map[string]*splitWriter{}
	defer func() {
		for _, w := range writers {
			w.abandon()
		}
	}()
	for name, split := range p.splits {
		writers[name] = &splitWriter{
			dir: dir, name: name, plan: split, options: o, schemas: t.schemas(), group: newGroup(t.schemas()),
		}
	}
	for _, name := range o.splitsGiven() {
		err := o.scanInputs(ctx, name, func(at place, names []string, values []any, _ string) error {
			row, class, err := t.convert(at, names, values)
			if err != nil {
				return err
			}
			to := writers[name]
			if name == data.Train && p.cut != nil && p.cut.chooses(class) {
				to = writers[data.Validation]
			}
			return to.add(row)
		})
		if err != nil {
			return err
		}
	}
	for _, w := range writers {
		if err := w.finish(); err != nil {
			return err
		}
	}
	return nil
}

// convert returns the row's values in the order and types of the columns, and
// its class, 0 where there are no labels.
func (t *table) convert(at place, names []string, values []any) ([]any, int, error) {
	row := make([]any, len(t.columns))
	class := 0
	for i, name := range names {
		c, known := t.byName[name]
		if !known {
			return nil, 0, at.errorf("column %q: the file changed while it was read", name)
		}
		value, err := t.columns[c].convert(values[i])
		if err != nil {
			return nil, 0, at.errorf("column %q: %w", name, err)
		}
		row[c] = value
	}
	if t.label == "" {
		return row, class, nil
	}
	word, err := t.labelOf(at, names, values)
	if err != nil {
		return nil, 0, err
	}
	if class = slices.Index(t.classes, word); class < 0 {
		return nil, 0, at.errorf("label %q: the file changed while it was read", word)
	}
	row[t.byName[t.label]] = int64(class)
	return row, class, nil
}

// convert returns a value as the column's kind.
func (c *tableColumn) convert(value any) (any, error) {
	switch v := value.(type) {
	case untyped:
		return parseField(string(v), c.kind)
	case int64:
		if c.kind == column.Float {
			return float64(v), nil
		}
	}
	return value, nil
}

// parseField returns a field as the kind settled for its column; an empty one
// is an empty text, but no number.
func parseField(field string, kind column.Kind) (any, error) {
	switch {
	case kind == column.String:
		return field, nil
	case field == "":
		return nil, nil
	case kind == column.Int:
		return strconv.ParseInt(field, 10, 64)
	default:
		return strconv.ParseFloat(field, 64)
	}
}

// A splitWriter writes the shards of one split.
type splitWriter struct {
	dir     string
	name    string
	plan    *splitPlan
	options *Options
	schemas []column.Schema
	group   []column.Values // rows that wait to be a row group

	file      *os.File
	buffer    *bufio.Writer
	parquet   *shard.Writer
	shard     int // the number of the file that is open or comes next
	shardRows int // rows in it, those that wait among them
}

func newGroup(schemas []column.Schema) []column.Values {
	group := make([]column.Values, len(schemas))
	for i, schema := range schemas {
		group[i].Schema = schema
	}
	return group
}

func (w *splitWriter) add(row []any) error {
	for i, value := range row {
		if err := w.group[i].Append(value); err != nil {
			return err
		}
	}
	w.shardRows++
	full := w.shardRows == w.options.ShardRows
	if full || w.group[0].Len() == w.options.RowGroupRows {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if full {
		return w.closeShard()
	}
	return nil
}

// flush writes the rows that wait as a row group.
func (w *splitWriter) flush() error {
	if w.group[0].Len() == 0 {
		return nil
	}
	if w.file == nil {
		if err := w.openShard(); err != nil {
			return err
		}
	}
	if err := w.parquet.Write(w.group); err != nil {
		return err
	}
	w.group = newGroup(w.schemas)
	return nil
}

func (w *splitWriter) openShard() error {
	path := filepath.Join(w.dir, fmt.Sprintf("%s-%05d-of-%05d.parquet", w.name, w.shard, w.plan.shards))
	var err error
	if w.file, err = os.Create(path); err != nil {
		return err
	}
	w.buffer = bufio.NewWriterSize(w.file, 1<<20)
	w.parquet, err = shard.NewWriter(w.buffer, w.schemas)
	return err
}

func (w *splitWriter) closeShard() error {
	if w.file == nil {
		return nil
	}
	if err := w.parquet.Close(); err != nil {
		return err
	}
	if err := w.buffer.Flush(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	w.file = nil
	w.shard++
	w.shardRows = 0
	return nil
}

func (w *splitWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.closeShard()
}

// abandon closes what an error left open.
func (w *splitWriter) abandon() {
	if w.file != nil {
		w.file.Close()
	}
}
