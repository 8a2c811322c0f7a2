package main

import (
	"io"

	"github.com/gopet-ml/gopet/report/progress"
)

// preparingBar shows what comes before a command's work, one thing after the
// other.
type preparingBar struct {
	out      io.Writer
	what     string
	download *progress.Download // nil when nothing is downloaded
	bar      *progress.Bar      // nil when nothing else is done
}

func newPreparingBar(out io.Writer) *preparingBar { return &preparingBar{out: out} }

// downloading is a train.Downloading.
func (p *preparingBar) downloading(name string, done, total int64) {
	if p.download == nil || p.what != name {
		p.clear()
		p.download, p.what = progress.NewDownload(p.out, name), name
	}
	p.download.Update(done, total)
}

func (p *preparingBar) preparing(what string, done, total int64) {
	if p.bar == nil || p.what != what {
		p.clear()
		p.bar, p.what = progress.New(p.out, what, total), what
	}
	p.bar.Update(done)
}

// clear ends what is shown; a download leaves its line.
func (p *preparingBar) clear() {
	if p.download != nil {
		p.download.Finish()
		p.download = nil
	}
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
}
