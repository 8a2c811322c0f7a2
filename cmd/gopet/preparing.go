package main

import (
	"io"

	"github.com/gopet-ml/gopet/report/progress"
)

// preparingBar shows what comes before a command's work, one thing after the
// other.
type preparingBar struct {
	out  io.Writer
	bar  *progress.Bar // nil when nothing is shown
	what string
}

func newPreparingBar(out io.Writer) *preparingBar { return &preparingBar{out: out} }

// update is a train.Preparing.
func (p *preparingBar) update(what string, done, total int64) {
	if p.bar == nil || p.what != what {
		p.clear()
		p.bar, p.what = progress.New(p.out, what, total), what
	}
	p.bar.Update(done)
}

func (p *preparingBar) clear() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
}
