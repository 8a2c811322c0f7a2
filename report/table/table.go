// Package table lays out text in aligned columns: with a bold header and a thin
// rule on a terminal, as plain text where output is piped.
//
//	t := table.New(table.Left("method"), table.Right("k"), table.Right("test\naccuracy"))
//	t.Add("apet-discrete", format.Count(20000), format.Percent(0.9543, 1))
//	err := t.Write(os.Stdout)
package table

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/report/internal/terminal"
)

// Column is a column's header and side. The header may have several lines.
type Column struct {
	header string
	right  bool
}

// Left is a column of text.
func Left(header string) Column { return Column{header: header} }

// Right is a column of numbers.
func Right(header string) Column { return Column{header: header, right: true} }

// Table is rows of text under column headers.
type Table struct {
	columns []Column
	rows    [][]string
}

// New starts a table. Where every header is empty, none is shown.
func New(columns ...Column) *Table { return &Table{columns: columns} }

// Add adds a row. Cells that are missing at its end are empty; more cells than
// columns panic.
func (t *Table) Add(cells ...string) {
	if len(cells) > len(t.columns) {
		panic(fmt.Sprintf("table: %d cells in a row of %d columns", len(cells), len(t.columns)))
	}
	row := make([]string, len(t.columns))
	for i, cell := range cells {
		row[i] = strings.Join(strings.Fields(cell), " ") // a row is one line
	}
	t.rows = append(t.rows, row)
}

// Write writes the table to w, in the style that suits it.
func (t *Table) Write(w io.Writer) error {
	s := style{rule: "-", paint: terminal.Plain}
	if terminal.Is(w) {
		s.paint = terminal.Styled()
		if terminal.Unicode() {
			s.rule = "─"
		}
	}
	_, err := io.WriteString(w, t.render(s))
	return err
}

type style struct {
	rule  string
	paint func(codes, text string) string
}

// gap stands between columns.
const gap = "   "

func (t *Table) render(s style) string {
	headers := t.headerLines()
	widths := make([]int, len(t.columns))
	for _, line := range slices.Concat(headers, t.rows) {
		for i, cell := range line {
			widths[i] = max(widths[i], terminal.Columns(cell))
		}
	}
	var b strings.Builder
	for _, line := range headers {
		b.WriteString(s.paint("1", t.line(line, widths)) + "\n")
	}
	if len(headers) > 0 {
		rules := make([]string, len(widths))
		for i, width := range widths {
			rules[i] = strings.Repeat(s.rule, width)
		}
		b.WriteString(s.paint("2", strings.Join(rules, gap)) + "\n")
	}
	for _, row := range t.rows {
		b.WriteString(t.line(row, widths) + "\n")
	}
	return b.String()
}

// headerLines returns the headers as rows, the shorter ones at the bottom.
func (t *Table) headerLines() [][]string {
	height := 0
	for _, c := range t.columns {
		if c.header != "" {
			height = max(height, strings.Count(c.header, "\n")+1)
		}
	}
	lines := make([][]string, height)
	for i := range lines {
		lines[i] = make([]string, len(t.columns))
	}
	for column, c := range t.columns {
		parts := strings.Split(c.header, "\n")
		for i, part := range parts {
			if height > 0 {
				lines[height-len(parts)+i][column] = part
			}
		}
	}
	return lines
}

func (t *Table) line(cells []string, widths []int) string {
	padded := make([]string, len(cells))
	for i, cell := range cells {
		space := strings.Repeat(" ", widths[i]-terminal.Columns(cell))
		if t.columns[i].right {
			padded[i] = space + cell
		} else {
			padded[i] = cell + space
		}
	}
	return strings.TrimRight(strings.Join(padded, gap), " ")
}
