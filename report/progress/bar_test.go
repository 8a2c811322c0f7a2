package progress

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/report/internal/terminal"
)

// clockwork is a time that the test moves on.
type clockwork struct{ time.Time }

func (c *clockwork) now() time.Time             { return c.Time }
func (c *clockwork) advance(d time.Duration)    { c.Time = c.Add(d) }
func newClockwork() *clockwork                  { return &clockwork{time.Unix(1_000_000, 0)} }
func painted(codes, text string) string         { return "\x1b[" + codes + "m" + text + "\x1b[0m" }
func sgr() *regexp.Regexp                       { return regexp.MustCompile("\x1b\\[[0-9;]*m") }
func (c *clockwork) piped(b *bytes.Buffer) *Bar { return c.bar(New(b, "train", 100)) }

func (c *clockwork) bar(b *Bar) *Bar {
	b.now = c.now
	return b
}

func (c *clockwork) on(s *screen, label string, total int64) *Bar {
	b := c.bar(New(s, label, total))
	b.width = func() int { return s.width }
	b.style = styleFor(true, painted)
	return b
}

func usual(loss, accuracy, rate float64) []Field {
	return []Field{Loss(loss), Share("accuracy", accuracy), Rate(rate, "samples")}
}

func wantLines(t *testing.T, s *screen, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.lines()); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
}

func TestBarFromStartToEnd(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	bar := clock.on(s, "train", 1000)
	bar.Update(0)
	wantLines(t, s, "train  ────────────────────────────────────────      0/1,000")
	clock.advance(60 * time.Second)
	bar.Update(250, usual(1.25, 0.5, 61.44)...)
	wantLines(t, s, "train  ━━━━━────────────────    250/1,000  loss 1.250  accuracy 50.0%  61.4 samples/s  3m 00s left")
	clock.advance(180 * time.Second)
	bar.Update(1000, usual(0.03, 1, 61.44)...)
	bar.Finish()
	bar.Finish()
	wantLines(t, s, "train  ━━━━━━━━━━━━━━━━━━━━  1,000/1,000  loss 0.030  accuracy 100.0%  61.4 samples/s  took 4m 00s", "")
}

func TestFinishWithoutUpdateShowsNothing(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	clock.on(s, "train", 10).Finish()
	if s.writes != 0 {
		t.Errorf("wrote %q", s.lines())
	}
}

func TestFinishShowsAnEarlyEnd(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 60}
	bar := clock.on(s, "train", 10)
	bar.Update(3)
	bar.Update(4) // too soon to be drawn
	bar.Finish()
	wantLines(t, s, "train  ━━━━━━━━━━━━───────────────────   4/10  took 0s", "")
}

func TestRedrawsAtMostTenTimesASecond(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	bar := clock.on(s, "train", 1_000_000)
	for step := range int64(5000) {
		bar.Update(step, usual(1, 0.5, 1000)...)
		clock.advance(time.Millisecond)
	}
	if s.writes != 50 {
		t.Errorf("drew %d times in 5 seconds, want 50", s.writes)
	}
}

func TestEveryWidthIsRespected(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t}
	bar := clock.on(s, "train", 20_000)
	for _, fields := range [][]Field{nil, usual(0.1234, 0.956, 61.4), usual(math.NaN(), math.NaN(), 1e7)} {
		bar.step, bar.fields = 12_345, fields
		for width := 1; width <= 200; width++ {
			line, columns := bar.render(width, remark{"", "2m 41s", " left"})
			text := sgr().ReplaceAllString(line, "")
			if n := terminal.Columns(text); n >= width || n != columns {
				t.Errorf("width %d: %d columns, said to be %d: %q", width, n, columns, text)
			}
		}
	}
}

func TestNarrowTerminalsKeepWhatMatters(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t}
	bar := clock.on(s, "train", 1030)
	bar.step, bar.fields = 412, usual(0.1834, 0.952, 61.44)
	for width, want := range map[int]string{
		200: "train  ━━━━━━━━━━━━━━━━────────────────────────    412/1,030  loss 0.183  accuracy 95.2%  61.4 samples/s  2m 41s left",
		80:  "━━━─────    412/1,030  loss 0.183  accuracy 95.2%  61.4 samples/s  2m 41s left",
		72:  "  412/1,030  loss 0.183  accuracy 95.2%  61.4 samples/s  2m 41s left",
		60:  "  412/1,030  loss 0.183  accuracy 95.2%  2m 41s left",
		40:  "  412/1,030  loss 0.183  2m 41s left",
		27:  "  412/1,030  2m 41s left",
		20:  "  412/1,030",
		10:  "",
	} {
		line, _ := bar.render(width, remark{"", "2m 41s", " left"})
		if got := sgr().ReplaceAllString(line, ""); got != want {
			t.Errorf("width %d:\n got %q\nwant %q", width, got, want)
		}
	}
}

func TestNothingMovesAbout(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 90}
	bar := clock.on(s, "train", 1000)
	var at []int
	for i, rate := range []float64{101.5, 9.1, 88.8} {
		bar.Update(int64(i+1), Rate(rate, "samples"), Loss(0.5))
		clock.advance(time.Second)
		at = append(at, strings.Index(s.lines()[0], "loss"))
	}
	if at[0] != at[1] || at[0] != at[2] {
		t.Errorf("the loss stands at %v", at)
	}
}

func TestResizingLeavesNoTrace(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	bar := clock.on(s, "train", 1000)
	bar.Println("before")
	for i, width := range []int{100, 45, 30, 120, 20} {
		s.resize(width)
		bar.Update(int64(i+1), usual(1, 0.5, 10)...)
		clock.advance(time.Second)
		if lines := s.lines(); len(lines) != 2 || lines[0] != "before" || !strings.Contains(lines[1], "/1,000") {
			t.Errorf("at width %d: %q", width, lines)
		}
	}
}

func TestWorkWithinWork(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 60}
	train := clock.on(s, "train", 10)
	train.Update(5)
	validate := train.Nested("validate", 4)
	validate.Update(1)
	wantLines(t, s, "validate  ━━━━━━━╸──────────────────────  1/4")
	validate.Clear()
	wantLines(t, s, "")
	train.Println("step 5: accuracy 90.0%")
	wantLines(t, s,
		"step 5: accuracy 90.0%",
		"train  ━━━━━━━━━━━━━━━╸───────────────   5/10")
}

// TestResizingDuringNestedWork makes the terminal narrower while a short line
// stands where the long one of the outer bar was.
func TestResizingDuringNestedWork(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	train := clock.on(s, "train", 10)
	train.Println("before")
	train.Update(5, usual(1, 0.5, 10)...)
	validate := train.Nested("validate", 4)
	validate.Update(1)
	s.resize(70)
	train.Println("after")
	if lines := s.lines(); len(lines) != 3 || lines[0] != "before" || lines[1] != "after" || !strings.Contains(lines[2], " 5/10") {
		t.Errorf("got %q", lines)
	}
}

func TestClearWhereNothingIsDrawn(t *testing.T) {
	var b bytes.Buffer
	bar := newClockwork().piped(&b)
	bar.Update(1)
	bar.Clear()
	if b.Len() != 0 {
		t.Errorf("wrote %q", &b)
	}
}

func TestPipedLines(t *testing.T) {
	var b bytes.Buffer
	clock := newClockwork()
	bar := clock.piped(&b)
	for step := int64(0); step <= 100; step++ {
		bar.Update(step, usual(2/float64(step+1), 0.9, 1234)...)
		clock.advance(time.Second)
	}
	bar.Println("done")
	bar.Finish()
	want := `
train: step  30/100, loss 0.065, accuracy 90.0%, 1,234 samples/s, 1m 10s left
train: step  60/100, loss 0.033, accuracy 90.0%, 1,234 samples/s, 40s left
train: step  90/100, loss 0.022, accuracy 90.0%, 1,234 samples/s, 10s left
done
train: step 100/100, loss 0.020, accuracy 90.0%, 1,234 samples/s, took 1m 41s
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTimeLeftOfAResumedRun(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	bar := clock.on(s, "train", 1000)
	bar.Update(900)
	clock.advance(50 * time.Second)
	bar.Update(950)
	if line := s.lines()[0]; !strings.HasSuffix(line, "50s left") {
		t.Errorf("got %q, want 50 steps at one a second", line)
	}
}

func TestASCII(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 60}
	bar := clock.on(s, "train", 10)
	bar.style = styleFor(false, terminal.Plain)
	for step, want := range map[int64]string{
		0:  "train  >------------------------------   0/10",
		5:  "train  ===============>---------------   5/10",
		10: "train  ===============================  10/10",
		11: "train  ===============================  11/10",
	} {
		bar.step = step
		if got, _ := bar.render(60, remark{}); strings.TrimRight(got, " ") != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestFieldWords(t *testing.T) {
	for want, f := range map[string]Field{
		"loss 0.123":      Loss(0.1234),
		"loss 12.35":      Loss(12.345),
		"loss 123.5":      Loss(123.45),
		"loss 1,234,568":  Loss(1234567.8),
		"loss NaN":        Loss(math.NaN()),
		"loss +inf":       Loss(math.Inf(1)),
		"macro F1 95.4%":  Share("macro F1", 0.9543),
		"61.4 samples/s":  Rate(61.44, "samples"),
		"12,345 tokens/s": Rate(12345.4, "tokens"),
	} {
		if got := f.text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func ExampleBar() {
	bar := New(exampleOutput{}, "train", 100)
	for step := range int64(100) {
		bar.Update(step+1, Loss(1/float64(step+1)), Share("accuracy", 0.954))
	}
	bar.Finish()
	// Output: train: step 100/100, loss 0.010, accuracy 95.4%, took 1s
}

// exampleOutput is standard output, which Example tests replace.
type exampleOutput struct{}

func (exampleOutput) Write(p []byte) (int, error) { return fmt.Print(string(p)) }
