package progress

import (
	"bytes"
	"testing"
	"time"
)

func TestDownloadOnATerminal(t *testing.T) {
	clock, s := newClockwork(), &screen{t: t, width: 100}
	d := NewDownload(s, "t5")
	d.bar.now, d.bar.width, d.bar.style = clock.now, func() int { return s.width }, styleFor(true, painted)
	d.Update(100<<20, 150<<20) // there before
	wantLines(t, s, "t5  ━━━━━━━━━━━━━━━━━━━━━━━━━━╸─────────────    100 MiB/150 MiB")
	clock.advance(10 * time.Second)
	d.Update(200<<20, 300<<20) // another file
	wantLines(t, s, "t5  ━━━━━━━━━━━━━━━━━━━━━━━━━━╸─────────────    200 MiB/300 MiB  10.0 MiB/s  10s left")
	clock.advance(10 * time.Second)
	d.Update(300<<20, 300<<20)
	d.Finish()
	wantLines(t, s, "t5  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━    300 MiB/300 MiB  10.0 MiB/s  took 20s", "")
}

func TestDownloadOfNothing(t *testing.T) {
	s := &screen{t: t, width: 100}
	d := NewDownload(s, "t5")
	d.bar.width, d.bar.style = func() int { return s.width }, styleFor(true, painted)
	d.Finish()
	if lines := s.lines(); len(lines) > 0 {
		t.Errorf("the screen shows %q", lines)
	}
}

func TestDownloadInAPipe(t *testing.T) {
	clock, out := newClockwork(), &bytes.Buffer{}
	d := NewDownload(out, "t5")
	d.bar.now = clock.now
	d.Update(0, 100)
	clock.advance(time.Hour)
	d.Update(100, 100)
	d.Finish()
	if out.Len() > 0 {
		t.Errorf("a pipe got %q", out)
	}
}
