package progress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/report/internal/terminal"
)

const (
	gap        = "  "
	minBar     = 6
	maxBar     = 40
	endColumns = len("59m 59s left")
)

// style is how a bar is drawn: its done part, what stands at the tip for up to
// a whole column, and its rest.
type style struct {
	done, rest string
	tips       []string
	paint      func(codes, text string) string
}

func styleFor(unicode bool, paint func(codes, text string) string) style {
	if unicode {
		return style{"━", "─", []string{"─", "╸"}, paint}
	}
	return style{"=", "-", []string{">"}, paint}
}

// piece is a part of the line; columns is the room it is given.
type piece struct {
	text    string
	columns int
}

// render returns the line for a terminal of that width, and the columns it
// takes. The terminal's last column stays free: some wrap when it is filled.
func (b *Bar) render(width int, end remark) (text string, columns int) {
	paint := b.style.paint
	label := piece{paint("1", b.label), terminal.Columns(b.label)}
	count := plain(b.count())
	last := []piece{{paint("2", end.before) + end.value + paint("2", end.after), terminal.Columns(end.text())}}
	room := width - 1 - max(0, endColumns-last[0].columns) // the bar is as long at any time left
	if end.value == "" {
		last, room = nil, room-len(gap)
	}
	fields := b.fieldPieces()

	for n := len(fields); n >= 0; n-- {
		right := slices.Concat([]piece{count}, fields[:n], last)
		for _, left := range [][]piece{{label}, {}} {
			if spare := room - columnsOf(slices.Concat(left, right)) - len(gap) - minBar; spare >= 0 {
				return join(slices.Concat(left, []piece{b.bar(min(maxBar, minBar+spare))}, right))
			}
		}
		if columnsOf(right) <= room {
			return join(right)
		}
	}
	if count.columns < width {
		return join([]piece{count})
	}
	return "", 0
}

// fieldPieces gives each field the room it has needed so far.
func (b *Bar) fieldPieces() []piece {
	pieces := make([]piece, len(b.fields))
	for i, f := range b.fields {
		if i == len(b.widths) {
			b.widths = append(b.widths, 0)
		}
		b.widths[i] = max(b.widths[i], terminal.Columns(f.text()))
		text := f.value
		if f.name != "" {
			text = b.style.paint("2", f.name) + " " + f.value
		}
		pieces[i] = piece{text + strings.Repeat(" ", b.widths[i]-terminal.Columns(f.text())), b.widths[i]}
	}
	return pieces
}

func (b *Bar) bar(columns int) piece {
	s := b.style
	parts := len(s.tips)
	filled := columns * parts
	if b.total > 0 && b.step < b.total {
		filled = int(float64(columns*parts) * float64(max(b.step, 0)) / float64(b.total))
	}
	done, rest := strings.Repeat(s.done, filled/parts), ""
	if left := columns - filled/parts; left > 0 {
		tip := s.tips[filled%parts]
		if tip == s.rest {
			rest = strings.Repeat(s.rest, left)
		} else {
			done += tip
			rest = strings.Repeat(s.rest, left-1)
		}
	}
	return piece{s.paint("32", done) + s.paint("2", rest), columns}
}

// count is the step and the total, as wide at the start as at the end.
func (b *Bar) count() string {
	total := b.word(b.total)
	return fmt.Sprintf("%*s/%s", max(len(total), b.room), b.word(b.step), total)
}

func plain(text string) piece { return piece{text, terminal.Columns(text)} }

func columnsOf(pieces []piece) int {
	n := len(gap) * (len(pieces) - 1)
	for _, p := range pieces {
		n += p.columns
	}
	return n
}

func join(pieces []piece) (string, int) {
	texts := make([]string, len(pieces))
	for i, p := range pieces {
		texts[i] = p.text
	}
	return strings.Join(texts, gap), columnsOf(pieces)
}
