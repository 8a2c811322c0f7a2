package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// scanDelimited passes on the rows below a line of column names.
func scanDelimited(lines *lineReader, separator byte, quotes Quotes, visit visitor) error {
	fields, err := newFieldReader(lines, separator, quotes)
	if err != nil {
		return err
	}
	names, at, err := fields.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the file is empty: it should begin with column names", lines.path)
	}
	if err != nil {
		return err
	}
	names = slices.Clone(names)
	if err := checkNames(names, at); err != nil {
		return err
	}
	values := make([]any, len(names))
	for {
		row, at, err := fields.nextOf(len(names))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, field := range row {
			values[i] = untyped(field)
		}
		if err := visit(at, names, values, ""); err != nil {
			return err
		}
	}
}

func checkNames(names []string, at place) error {
	for i, name := range names {
		if name == "" {
			return at.errorf("column %d has no name: the file should begin with column names", i+1)
		}
		if slices.Contains(names[:i], name) {
			return at.errorf("column %q is there twice", name)
		}
	}
	return nil
}

// A fieldReader cuts lines into fields.
type fieldReader struct {
	lines     *lineReader
	separator byte
	quotes    Quotes
	fields    []string
}

func newFieldReader(lines *lineReader, separator byte, quotes Quotes) (*fieldReader, error) {
	switch quotes {
	case QuotesNone, QuotesLine, QuotesCSV:
		return &fieldReader{lines: lines, separator: separator, quotes: quotes}, nil
	default:
		return nil, fmt.Errorf("unknown quotes %q; there are %v", quotes, []Quotes{QuotesNone, QuotesLine, QuotesCSV})
	}
}

// nextOf returns the next record, which must have n fields.
func (f *fieldReader) nextOf(n int) ([]string, place, error) {
	fields, at, err := f.next()
	if err == nil && len(fields) != n {
		err = at.errorf("%d fields where the header has %d%s", len(fields), n, f.quoteHint())
	}
	return fields, at, err
}

// quoteHint suggests another reading of quotation marks where it may help.
func (f *fieldReader) quoteHint() string {
	if f.quotes == QuotesCSV {
		return ""
	}
	return fmt.Sprintf(" (if quoted fields span lines, read them with quotes %q)", QuotesCSV)
}

// next returns the next record that is not a blank line, and where it begins.
func (f *fieldReader) next() ([]string, place, error) {
	for {
		line, err := f.lines.next()
		if err != nil {
			return nil, place{}, err
		}
		at := f.lines.at()
		if len(line) == 0 {
			continue
		}
		f.fields = f.fields[:0]
		if err := f.cut(line, at); err != nil {
			return nil, at, err
		}
		return f.fields, at, nil
	}
}

const quote = '"'

// cut appends the fields of a record that begins with line.
func (f *fieldReader) cut(line []byte, at place) error {
	for {
		if f.quotes != QuotesNone && len(line) > 0 && line[0] == quote {
			rest, done, err := f.cutQuoted(line, at)
			if err != nil {
				return err
			}
			if done {
				if rest == nil {
					return nil
				}
				line = rest
				continue
			}
		}
		end := bytes.IndexByte(line, f.separator)
		if end < 0 {
			f.fields = append(f.fields, string(line))
			return nil
		}
		f.fields = append(f.fields, string(line[:end]))
		line = line[end+1:]
	}
}

// cutQuoted appends the quoted field that line begins with. It returns what
// follows its separator, nil at the record's end. Done is false where the
// quotation mark is but text.
func (f *fieldReader) cutQuoted(line []byte, at place) (rest []byte, done bool, err error) {
	text, rest, closed := unquote(line[1:])
	if f.quotes == QuotesLine {
		if !closed || len(rest) > 0 && rest[0] != f.separator {
			return nil, false, nil
		}
	} else if !closed {
		if text, rest, err = f.unquoteLines(text, at); err != nil {
			return nil, false, err
		}
	}
	if len(rest) > 0 && rest[0] != f.separator {
		return nil, false, f.lines.at().errorf("text after a closing quote: a quote within a quoted field is written twice")
	}
	f.fields = append(f.fields, text)
	if len(rest) == 0 {
		return nil, true, nil
	}
	return rest[1:], true, nil
}

// unquote returns the text up to the closing quote, with doubled quotes made
// single, and what follows it; without a closing quote the whole text.
func unquote(line []byte) (text string, rest []byte, closed bool) {
	var b strings.Builder
	for {
		i := bytes.IndexByte(line, quote)
		if i < 0 {
			b.Write(line)
			return b.String(), nil, false
		}
		b.Write(line[:i])
		line = line[i+1:]
		if len(line) == 0 || line[0] != quote {
			return b.String(), line, true
		}
		b.WriteByte(quote)
		line = line[1:]
	}
}

// unquoteLines goes on with a quoted field in the lines that follow.
func (f *fieldReader) unquoteLines(begun string, at place) (string, []byte, error) {
	var b strings.Builder
	b.WriteString(begun)
	for {
		line, err := f.lines.next()
		if errors.Is(err, io.EOF) {
			return "", nil, at.errorf("a quote is opened here and never closed")
		}
		if err != nil {
			return "", nil, err
		}
		text, rest, closed := unquote(line)
		b.WriteByte('\n')
		b.WriteString(text)
		if closed {
			return b.String(), rest, nil
		}
		if b.Len() > maxLine {
			return "", nil, at.errorf("a quote is opened here and not closed within %d bytes", maxLine)
		}
	}
}
