package main

import (
	"io"

	"github.com/gopet-ml/gopet/report/progress"
)

// preparingBar shows what is downloaded before a command's work, one thing
// after the other.
type preparingBar struct {
	out      io.Writer
	what     string
	download *progress.Download // nil when nothing is downloaded
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

// clear ends what is shown, which leaves its line.
func (p *preparingBar) clear() {
	if p.download != nil {
		p.download.Finish()
		p.download = nil
	}
}
