package importer

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A Format is how rows are written in a file.
type Format string

// The formats. Files of TSV and CSV begin with a line of column names, those
// of Tab with three (names, types, flags). A line of Text is a row of the one
// column "text".
const (
	FormatAuto      Format = ""
	FormatTSV       Format = "tsv"
	FormatCSV       Format = "csv"
	FormatTab       Format = "tab"
	FormatJSONLines Format = "jsonl"
	FormatText      Format = "text"
)

// Formats lists the formats there are.
var Formats = []Format{FormatTSV, FormatCSV, FormatTab, FormatJSONLines, FormatText}

// Quotes is what a quotation mark at the beginning of a field means.
type Quotes string

const (
	// QuotesAuto is QuotesNone for TSV, QuotesLine for Tab, QuotesCSV for CSV.
	QuotesAuto Quotes = ""
	// QuotesNone takes quotation marks as text.
	QuotesNone Quotes = "none"
	// QuotesLine unwraps a field that is quoted properly within its line, and
	// takes any other quotation mark as text. Rows never span lines.
	QuotesLine Quotes = "line"
	// QuotesCSV follows RFC 4180: quoted fields may hold separators and line
	// breaks. A quote that is never closed, or closed within a field, is an
	// error, so no rows are merged silently.
	QuotesCSV Quotes = "csv"
)

var extensions = map[string]Format{
	".tsv": FormatTSV, ".csv": FormatCSV, ".tab": FormatTab,
	".jsonl": FormatJSONLines, ".ndjson": FormatJSONLines, ".json": FormatJSONLines,
	".txt": FormatText,
}

// An untyped value is a field of a format that does not tell numbers from
// text.
type untyped string

// A place is where a row begins.
type place struct {
	path string
	line int
}

func (p place) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{p.path, p.line}, args...)...)
}

// A visitor receives a row: values by column name, each an untyped, string,
// int64, float64, bool, []string or nil. It may not keep the slices. Class is
// the column that the format itself marks as the label's, or "".
type visitor func(at place, names []string, values []any, class string) error

func (o *Options) scanFile(ctx context.Context, path string, visit visitor) error {
	format := o.Format
	if format == FormatAuto {
		var known bool
		extension := strings.ToLower(filepath.Ext(path))
		if format, known = extensions[extension]; !known {
			return fmt.Errorf("%s: cannot tell the format from the extension %q; name one of %v", path, extension, Formats)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := newLineReader(path, contextReader{ctx, file})
	switch format {
	case FormatTSV:
		return scanDelimited(lines, '\t', o.quotesOr(QuotesNone), visit)
	case FormatCSV:
		return scanDelimited(lines, ',', o.quotesOr(QuotesCSV), visit)
	case FormatTab:
		return scanOrange(lines, o.quotesOr(QuotesLine), visit)
	case FormatJSONLines:
		return scanJSONLines(lines, visit)
	case FormatText:
		return scanText(lines, visit)
	default:
		return fmt.Errorf("unknown format %q; there are %v", format, Formats)
	}
}

func (o *Options) quotesOr(usual Quotes) Quotes {
	if o.Quotes == QuotesAuto {
		return usual
	}
	return o.Quotes
}

// contextReader ends with the context's error once it is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// maxLine bounds the memory that one line or quoted field may take.
const maxLine = 64 << 20

// A lineReader reads lines of UTF-8, counting them.
type lineReader struct {
	path   string
	reader *bufio.Reader
	line   int
	long   []byte
}

func newLineReader(path string, r io.Reader) *lineReader {
	return &lineReader{path: path, reader: bufio.NewReaderSize(r, 1<<16)}
}

func (l *lineReader) at() place { return place{l.path, l.line} }

var byteOrderMark = []byte("\ufeff")

// next returns the next line without its end, LF or CR LF, or io.EOF. The
// bytes are good until the next call.
func (l *lineReader) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.reader.ReadSlice('\n')
		switch err {
		case bufio.ErrBufferFull:
			if l.long = append(l.long, part...); len(l.long) > maxLine {
				l.line++
				return nil, l.at().errorf("a line of more than %d bytes", maxLine)
			}
			continue
		case io.EOF:
			if len(l.long)+len(part) == 0 {
				return nil, io.EOF
			}
		case nil:
		default:
			return nil, fmt.Errorf("%s: %w", l.path, err)
		}
		l.line++
		if len(l.long) > 0 {
			part = append(l.long, part...)
			l.long = part
		}
		return l.clean(part)
	}
}

func (l *lineReader) clean(line []byte) ([]byte, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if l.line == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	if !utf8.Valid(line) {
		return nil, l.at().errorf("invalid UTF-8: convert the file to UTF-8")
	}
	return line, nil
}
