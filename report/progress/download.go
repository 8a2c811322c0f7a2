package progress

import (
	"io"

	"github.com/gopet-ml/gopet/report/format"
)

// Download is a bar over bytes that come from a network. It shows on a terminal
// only, from the first byte on, so nothing is seen where all is there already.
//
//	bar := progress.NewDownload(os.Stderr, "google/t5-v1_1-small")
//	defer bar.Finish()
//	dir, err := hub.Model(ctx, "google/t5-v1_1-small", hub.Options{Progress: bar.Update})
type Download struct{ bar *Bar }

// NewDownload starts a bar. Out is where it shows, as a rule os.Stderr.
func NewDownload(out io.Writer, label string) *Download {
	d := &Download{New(out, label, 0)}
	d.bar.word, d.bar.room = format.Bytes, len("1,023 MiB")
	return d
}

// Update tells that so many of so many bytes are there. Those of the first call
// were there before.
func (d *Download) Update(done, total int64) {
	b := d.bar
	if b.width == nil {
		return
	}
	b.total = total
	var fields []Field
	if elapsed := b.now().Sub(b.started).Seconds(); !b.started.IsZero() && elapsed > 0 {
		fields = append(fields, Speed(float64(done-b.startStep)/elapsed))
	}
	b.Update(done, fields...)
}

// Finish ends the bar's line, if there is one.
func (d *Download) Finish() {
	if d.bar.width != nil {
		d.bar.Finish()
	}
}
