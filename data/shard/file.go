// Package shard reads and writes Parquet files, one shard of a data set each:
// flat columns of text, numbers and bools, and lists of text.
//
// The reader is made for files that may be damaged or hostile. parquet-go
// decodes the metadata, and only after every length in it is known to fit the
// file; pages are decoded here, because parquet-go allocates what a page's run
// lengths claim (a flipped bit can ask for gigabytes) and crashes on some of
// them. Whatever a file holds, Open and ReadRowGroup return an error instead of
// panicking, and take memory in proportion to what they return.
package shard

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/parquet-go/parquet-go/format"

	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/internal/nearest"
)

// A File is the metadata of one Parquet file. It holds no open descriptor:
// each read opens the file. It is safe for use by many goroutines.
type File struct {
	path      string
	size      int64
	columns   []tableColumn
	rowGroups []format.RowGroup
	footer    [sha256.Size]byte
}

// Open reads the metadata of the Parquet file at path. Its errors are one line
// that begins with the path.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if err := guard(f.readMetadata); err != nil {
		return nil, fileError(path, err)
	}
	return f, nil
}

// fileError names the file, which an error of the os package does already.
func fileError(path string, err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// guard turns a panic within read, faults included, into an error.
func guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file is damaged: %v", r)
		}
	}()
	return read()
}

func (f *File) readMetadata() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	raw, meta, err := readFooter(file, f.size)
	if err != nil {
		return err
	}
	f.footer = sha256.Sum256(raw)
	f.rowGroups = meta.RowGroups
	columns, leaves, err := readColumns(meta.Schema)
	if err != nil {
		return err
	}
	f.columns = columns
	if err := addClasses(f.columns, meta.KeyValueMetadata); err != nil {
		return err
	}
	return checkRowGroups(meta, leaves)
}

func checkRowGroups(meta *format.FileMetaData, leaves int) error {
	var rows int64
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if g.NumRows < 0 || g.NumRows > maxGroupRows {
			return fmt.Errorf("row group %d claims %d rows; the most that can be read is %d", i, g.NumRows, maxGroupRows)
		}
		if len(g.Columns) != leaves {
			return fmt.Errorf("row group %d has %d columns, the schema %d", i, len(g.Columns), leaves)
		}
		rows += g.NumRows
	}
	if rows != meta.NumRows {
		return fmt.Errorf("the file claims %d rows, its row groups %d", meta.NumRows, rows)
	}
	return nil
}

// Path returns the file's path as it was given to Open.
func (f *File) Path() string { return f.path }

// Columns returns the top-level columns in the file's order.
func (f *File) Columns() []column.Schema {
	out := make([]column.Schema, len(f.columns))
	for i := range f.columns {
		out[i] = f.columns[i].Schema
	}
	return out
}

// RowGroups returns the number of rows of each row group.
func (f *File) RowGroups() []int {
	out := make([]int, len(f.rowGroups))
	for i := range f.rowGroups {
		out[i] = int(f.rowGroups[i].NumRows)
	}
	return out
}

// Fingerprint is a digest of the file's size and footer, which holds the
// schema, the row counts, and every column's place, size and extremes. It
// costs nothing after Open; a change of values that leaves all those alone is
// not seen.
func (f *File) Fingerprint() [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(f.footer[:], "%d", f.size))
}

// ReadRowGroup reads the named columns of row group i, no others, in the order
// of names. Its errors are one line that names the file, and the column where
// one is at fault.
func (f *File) ReadRowGroup(i int, names []string) ([]column.Values, error) {
	if i < 0 || i >= len(f.rowGroups) {
		return nil, fmt.Errorf("%s: there is no row group %d among %d", f.path, i, len(f.rowGroups))
	}
	out := make([]column.Values, len(names))
	err := guard(func() error {
		file, err := os.Open(f.path)
		if err != nil {
			return err
		}
		defer file.Close()
		for j, name := range names {
			if out[j], err = f.readColumn(file, i, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fileError(f.path, err)
	}
	return out, nil
}

func (f *File) readColumn(file *os.File, group int, name string) (column.Values, error) {
	c := f.column(name)
	if c == nil {
		return column.Values{}, fmt.Errorf("no column %q; %s", name, nearest.Hint(name, column.Names(f.Columns())))
	}
	if c.Kind == column.Other {
		return column.Values{}, fmt.Errorf("column %q is of a type that cannot be read: it must be text, a number, a bool or a list of text", name)
	}
	rows := int(f.rowGroups[group].NumRows)
	values, err := f.decodeColumn(file, c, &f.rowGroups[group].Columns[c.index], rows)
	if err != nil {
		return column.Values{}, fmt.Errorf("row group %d, column %q: %w", group, name, err)
	}
	return values, nil
}

func (f *File) column(name string) *tableColumn {
	for i := range f.columns {
		if f.columns[i].Name == name {
			return &f.columns[i]
		}
	}
	return nil
}

func (f *File) decodeColumn(file *os.File, c *tableColumn, chunk *format.ColumnChunk, rows int) (column.Values, error) {
	out := column.Values{Schema: c.Schema}
	if claimed := chunk.MetaData.NumValues; c.maxRepetition == 0 && claimed != int64(rows) {
		return out, fmt.Errorf("the footer claims %d values for %d rows", claimed, rows)
	}
	data, err := f.readChunk(file, chunk)
	if err != nil {
		return out, err
	}
	pages := pageReader{leaf: &c.leaf, meta: &chunk.MetaData, data: data}
	for entries := int64(0); entries < chunk.MetaData.NumValues; {
		p, err := pages.next()
		if err != nil {
			return out, err
		}
		if p == nil {
			break
		}
		entries += int64(p.entries())
		if err := appendPage(&out, &c.leaf, p); err != nil {
			return out, err
		}
		if out.Len() > rows {
			break
		}
	}
	if out.Len() != rows {
		return out, fmt.Errorf("it does not hold the %d rows that the footer claims", rows)
	}
	return out, nil
}

// readChunk reads the bytes of one column of one row group.
func (f *File) readChunk(file *os.File, chunk *format.ColumnChunk) ([]byte, error) {
	if chunk.FilePath != "" {
		return nil, fmt.Errorf("its values are in another file, %q, which is not supported", chunk.FilePath)
	}
	meta := &chunk.MetaData
	start, size := meta.DataPageOffset, meta.TotalCompressedSize
	if d := meta.DictionaryPageOffset; d > 0 && d < start {
		start = d
	}
	if start < 0 || size < 0 || start > f.size || size > f.size-start {
		return nil, fmt.Errorf("its %d bytes at %d are not within the file's %d", size, start, f.size)
	}
	data := make([]byte, size)
	if _, err := file.ReadAt(data, start); err != nil {
		return nil, fmt.Errorf("reading %d bytes at %d: %w", size, start, err)
	}
	return data, nil
}
