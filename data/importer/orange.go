package importer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gopet-ml/gopet/data/column"
)

// An orangeColumn is what the three header lines say of a column.
type orangeColumn struct {
	name    string
	kind    column.Kind
	class   bool
	ignored bool
}

// scanOrange passes on the rows of Orange's tab-separated format: a line of
// names, one of types, one of flags.
// https://orangedatamining.com/docs/ (Data Table format)
func scanOrange(lines *lineReader, quotes Quotes, visit visitor) error {
	fields, err := newFieldReader(lines, '\t', quotes)
	if err != nil {
		return err
	}
	columns, err := readOrangeHeader(fields)
	if err != nil {
		return err
	}
	var names []string
	class := ""
	for _, c := range columns {
		if !c.ignored {
			names = append(names, c.name)
		}
		if c.class {
			class = c.name
		}
	}
	for {
		row, at, err := fields.nextOf(len(columns))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if isBlank(row) {
			continue
		}
		values := make([]any, 0, len(names))
		for i, c := range columns {
			if c.ignored {
				continue
			}
			value, err := c.parse(row[i])
			if err != nil {
				return at.errorf("column %q: %w", c.name, err)
			}
			values = append(values, value)
		}
		if err := visit(at, names, values, class); err != nil {
			return err
		}
	}
}

// isBlank reports whether all fields are empty: some files have such a row
// where others have a blank line.
func isBlank(row []string) bool {
	return !slices.ContainsFunc(row, func(field string) bool { return field != "" })
}

func readOrangeHeader(fields *fieldReader) ([]orangeColumn, error) {
	short := fmt.Errorf("%s: a .tab file begins with three lines: names, types and flags", fields.lines.path)
	names, at, err := fields.next()
	if err != nil {
		return nil, endsAs(err, short)
	}
	if err := checkNames(names, at); err != nil {
		return nil, err
	}
	columns := make([]orangeColumn, len(names))
	for i, name := range names {
		columns[i].name = name
	}
	types, at, err := fields.nextOf(len(columns))
	if err != nil {
		return nil, endsAs(err, short)
	}
	for i, word := range types {
		if err := columns[i].setType(word); err != nil {
			return nil, at.errorf("%w", err)
		}
	}
	flags, at, err := fields.nextFlags(len(columns))
	if err != nil {
		return nil, endsAs(err, short)
	}
	classes := 0
	for i, words := range flags {
		columns[i].setFlags(words)
		if columns[i].class {
			classes++
		}
	}
	if classes > 1 {
		return nil, at.errorf("%d class columns: only one is supported", classes)
	}
	return columns, nil
}

// nextFlags reads the flags, a line that is blank where there are none.
func (f *fieldReader) nextFlags(n int) ([]string, place, error) {
	line, err := f.lines.next()
	if err != nil {
		return nil, place{}, err
	}
	at := f.lines.at()
	if len(line) == 0 {
		return make([]string, n), at, nil
	}
	f.fields = f.fields[:0]
	if err := f.cut(line, at); err != nil {
		return nil, at, err
	}
	if len(f.fields) != n {
		return nil, at, at.errorf("%d flags for %d columns", len(f.fields), n)
	}
	return f.fields, at, nil
}

func endsAs(err, short error) error {
	if errors.Is(err, io.EOF) {
		return short
	}
	return err
}

func (c *orangeColumn) setType(word string) error {
	switch strings.ToLower(word) {
	case "continuous", "c", "numeric", "n":
		c.kind = column.Float
	case "discrete", "d", "categorical", "string", "s", "text", "time", "t":
		c.kind = column.String
	default:
		return fmt.Errorf("column %q has an unknown type %q: the second line of a .tab file holds continuous, discrete, string or time", c.name, word)
	}
	return nil
}

func (c *orangeColumn) setFlags(words string) {
	flags := strings.Fields(strings.ToLower(words))
	c.class = slices.Contains(flags, "class") || slices.Contains(flags, "c")
	c.ignored = slices.Contains(flags, "ignore") || slices.Contains(flags, "i")
}

// parse returns a field's value; Orange writes an unknown number as nothing, a
// question mark or a few others.
func (c *orangeColumn) parse(field string) (any, error) {
	if c.kind != column.Float {
		return field, nil
	}
	if slices.Contains([]string{"", "?", "~", ".", "NA", "nan"}, field) {
		return nil, nil
	}
	f, err := strconv.ParseFloat(field, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number", field)
	}
	return f, nil
}
