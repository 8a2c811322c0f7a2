// Package progress shows how far a run is: a bar that redraws in place on a
// terminal, a plain line now and then where output is piped.
//
//	bar := progress.New(os.Stderr, "train", 1030)
//	defer bar.Finish()
//	for step := range int64(1030) {
//		...
//		bar.Update(step+1, progress.Loss(loss), progress.Share("accuracy", accuracy), progress.Rate(rate, "samples"))
//	}
//
// A bar never hides the cursor and starts no goroutine: it draws within the
// calls to it, which must come from one goroutine at a time. What cannot be
// written is dropped, for a run must not fail over its progress bar.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/internal/terminal"
)

const (
	redrawEvery = 100 * time.Millisecond // on a terminal
	lineEvery   = 30 * time.Second       // elsewhere
)

// Bar shows the progress of one piece of work.
type Bar struct {
	out   io.Writer
	width func() int // of the terminal, nil where out is none
	now   func() time.Time
	style style
	line  *line

	label string
	total int64
	word  func(n int64) string // a number of steps
	room  int                  // columns that a worded number takes at least

	started   time.Time // of the first update, from which the pace is taken
	startStep int64
	shown     time.Time // of the last drawing or line
	widths    []int     // that each field has had at most, so that none moves about

	step   int64
	fields []Field
}

// line is the terminal's last line, which a bar shares with those nested in it.
type line struct {
	columns int // that the drawing takes, 0 for none
}

// New starts a bar over work of total steps, which shows from the first Update
// on. Out is where it shows, as a rule os.Stderr.
func New(out io.Writer, label string, total int64) *Bar {
	b := &Bar{out: out, now: time.Now, line: &line{}, label: label, total: total, word: format.Count}
	if file, ok := out.(*os.File); ok && terminal.Is(file) {
		b.width = func() int { return terminal.Width(file) }
		b.style = styleFor(terminal.Unicode(), terminal.Styled())
	}
	return b
}

// Nested starts a bar over a piece of work within that of b, in the same place.
// It should be cleared before b is updated again.
func (b *Bar) Nested(label string, total int64) *Bar {
	return &Bar{out: b.out, width: b.width, now: b.now, style: b.style, line: b.line, label: label, total: total, word: b.word, room: b.room}
}

// Update tells that so many steps are done. The fields are shown in their
// order; where the terminal is narrow, first the label goes, then the bar
// proper, then the fields from the last on.
func (b *Bar) Update(step int64, fields ...Field) {
	now := b.now()
	if b.started.IsZero() {
		b.started, b.startStep = now, step
		if b.width == nil {
			b.shown = now // the first line comes after an interval
		}
	}
	b.step, b.fields = step, fields
	switch since := now.Sub(b.shown); {
	case b.width != nil && since >= redrawEvery:
		b.draw(b.timeLeft(now))
	case b.width == nil && since >= lineEvery:
		b.printLine(b.timeLeft(now))
	}
}

// Println prints a line of text above the bar.
func (b *Bar) Println(text string) {
	if b.width == nil {
		io.WriteString(b.out, text+"\n")
		return
	}
	io.WriteString(b.out, b.erase()+text+"\n")
	if !b.started.IsZero() {
		b.draw(b.timeLeft(b.now()))
	}
}

// Finish shows the last state with the time it took and ends the line. Later
// calls do nothing until the next Update.
func (b *Bar) Finish() {
	if b.started.IsZero() {
		return
	}
	took := remark{"took ", clock(b.now().Sub(b.started)), ""}
	if b.width == nil {
		b.printLine(took)
	} else {
		b.draw(took)
		io.WriteString(b.out, "\n")
	}
	b.reset()
}

// Clear ends the bar without a trace on a terminal.
func (b *Bar) Clear() {
	if b.line.columns > 0 {
		io.WriteString(b.out, b.erase())
	}
	b.reset()
}

func (b *Bar) reset() {
	b.started, b.shown, b.line.columns = time.Time{}, time.Time{}, 0
}

// timeLeft supposes the pace since the first update, pauses included.
func (b *Bar) timeLeft(now time.Time) remark {
	done, elapsed := b.step-b.startStep, now.Sub(b.started)
	if done <= 0 || elapsed < time.Second {
		return remark{}
	}
	perStep := elapsed.Seconds() / float64(done)
	left := time.Duration(perStep * float64(max(b.total-b.step, 0)) * float64(time.Second))
	return remark{"", clock(left), " left"}
}

func (b *Bar) draw(end remark) {
	before := b.erase()
	text, columns := b.render(b.width(), end)
	// One write, so that no half-drawn bar is ever seen.
	io.WriteString(b.out, before+text)
	b.line.columns, b.shown = columns, b.now()
}

// erase returns what takes the drawing off. A terminal that was made narrower
// has wrapped it into several lines.
func (b *Bar) erase() string {
	wrapped := max(b.line.columns-1, 0) / b.width()
	b.line.columns = 0
	if wrapped == 0 {
		return "\r\x1b[K"
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", wrapped)
}

// printLine writes the state as a line of a log.
func (b *Bar) printLine(end remark) {
	parts := []string{fmt.Sprintf("%s: step %s", b.label, b.count())}
	for _, f := range b.fields {
		parts = append(parts, f.text())
	}
	if end.value != "" {
		parts = append(parts, end.text())
	}
	io.WriteString(b.out, strings.Join(parts, ", ")+"\n")
	b.shown = b.now()
}
