package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/gopet-ml/gopet/data"
)

// An Arrangement says how rows become batches.
type Arrangement int

const (
	// Shuffled is for training: shuffled rows, put together by length within
	// a window of some batches, the batches of each window shuffled again. Of
	// rows of equal length those with targets of like length come together.
	Shuffled Arrangement = iota
	// FileOrder takes rows exactly as they come in the files.
	FileOrder
	// ByLength is for evaluation: the rows of a window in file order, put
	// together by length. RowIDs tell where results belong.
	ByLength
)

// Options say what a Reader delivers. Resuming needs the same options again,
// Workers apart.
type Options struct {
	// Split is read.
	Split data.Split
	// Columns are those that Encode reads, a task's Columns as a rule. No
	// others are read from the files.
	Columns []string
	// Encode tokenises a row.
	Encode Encoder
	// Rows is the size of a batch, at least 1. The last batch of an epoch has
	// what is left.
	Rows int
	// Arrangement is how rows become batches.
	Arrangement Arrangement
	// Seed decides the order of Shuffled.
	Seed int64
	// Epochs is the number of times the rows are gone through, 0 for no end.
	Epochs int64
	// Window is the number of batches among which rows are put together by
	// length, DefaultWindow where 0. One window is made ready while another is
	// consumed, so memory holds about two.
	Window int
	// Buffer is data.Order's: the number of rows shuffled together.
	Buffer int
	// Workers is the number of goroutines that tokenise, one a processor
	// where 0.
	Workers int
}

// DefaultWindow is the number of batches among which rows are put together by
// length unless told otherwise.
const DefaultWindow = 32

// State is where a Reader stands: the epoch and the number of batches of it
// that were delivered. The zero State is the beginning.
type State struct {
	Epoch int64 `json:"epoch"`
	Batch int64 `json:"batch"`
}

// PerEpoch returns the number of batches of n rows in an epoch of the split.
func PerEpoch(split data.Split, n int) int64 {
	return (data.NumRows(split) + int64(n) - 1) / int64(n)
}

// A Reader delivers batches that goroutines of its own make ready in advance.
// Next is for one goroutine at a time; Close must be called in the end.
type Reader struct {
	options Options
	batches chan *Batch
	cancel  context.CancelFunc
	done    sync.WaitGroup
	end     error // why batches is closed; not to be read before it is
}

// NewReader returns a Reader that begins at start. It reads until it is
// closed, ctx is done, the epochs are over or an error occurs.
func NewReader(ctx context.Context, options Options, start State) (*Reader, error) {
	if err := options.setDefaults(); err != nil {
		return nil, err
	}
	perEpoch := PerEpoch(options.Split, options.Rows)
	if start.Epoch < 0 || start.Batch < 0 || start.Batch > perEpoch {
		return nil, fmt.Errorf("batch %d of epoch %d is not among the %d of split %q", start.Batch, start.Epoch, perEpoch, options.Split.Name())
	}
	ctx, cancel := context.WithCancel(ctx)
	// A full window of batches may wait, so the next is made meanwhile.
	r := &Reader{options: options, batches: make(chan *Batch, options.Window), cancel: cancel}
	r.done.Go(func() {
		defer close(r.batches)
		if r.end = r.produce(ctx, start); r.end == nil {
			r.end = io.EOF
		}
	})
	return r, nil
}

func (o *Options) setDefaults() error {
	if o.Split == nil || len(o.Columns) == 0 || o.Encode == nil {
		return errors.New("batches need a split, its columns and an encoder")
	}
	if o.Rows < 1 {
		return fmt.Errorf("a batch of %d rows: it takes at least 1", o.Rows)
	}
	if data.NumRows(o.Split) == 0 {
		return fmt.Errorf("split %q is empty", o.Split.Name())
	}
	if o.Window <= 0 {
		o.Window = DefaultWindow
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return nil
}

// Next returns the next batch, io.EOF after the last, or the error that ended
// reading, which it returns again when called again. Batches that were ready
// before an error come first.
func (r *Reader) Next(ctx context.Context) (*Batch, error) {
	if err := ctx.Err(); err != nil { // select would choose at random
		return nil, err
	}
	select {
	case b, open := <-r.batches:
		if !open {
			return nil, r.end
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close stops reading and waits until all goroutines have ended.
func (r *Reader) Close() {
	r.cancel()
	r.done.Wait()
}

// produce sends the batches from start on.
func (r *Reader) produce(ctx context.Context, start State) error {
	for at := start; r.options.Epochs == 0 || at.Epoch < r.options.Epochs; at = (State{Epoch: at.Epoch + 1}) {
		if err := r.produceEpoch(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// produceEpoch sends what is left of an epoch. Windows begin at fixed batches,
// so a start within one re-makes it and passes over what was delivered.
func (r *Reader) produceEpoch(ctx context.Context, at State) error {
	o := &r.options
	window := int64(o.Window)
	first := at.Batch / window * window
	rows := min(first*int64(o.Rows), data.NumRows(o.Split))
	reader, err := data.NewReader(o.Split, data.Order{
		Columns: o.Columns, Shuffle: o.Arrangement == Shuffled,
		Seed: o.Seed, Epoch: at.Epoch, Buffer: o.Buffer,
	}, rows)
	if err != nil {
		return err
	}
	perEpoch := PerEpoch(o.Split, o.Rows)
	for ; first < perEpoch; first += window {
		batches, err := r.readWindow(ctx, reader, at.Epoch, first)
		if err != nil {
			return err
		}
		for i, b := range batches {
			number := first + int64(i)
			if number < at.Batch {
				continue
			}
			b.Next = State{Epoch: at.Epoch, Batch: number + 1}
			if b.Next.Batch == perEpoch {
				b.Next = State{Epoch: at.Epoch + 1}
			}
			select {
			case r.batches <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// readWindow makes the batches of the window that begins with batch first.
func (r *Reader) readWindow(ctx context.Context, reader *data.Reader, epoch, first int64) ([]*Batch, error) {
	o := &r.options
	rows := make([]data.Row, 0, o.Window*o.Rows)
	for len(rows) < cap(rows) {
		row, err := readRow(ctx, reader)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	examples, err := r.encodeAll(ctx, rows)
	if err != nil {
		return nil, err
	}
	return arrange(examples, o, epoch, first), nil
}

// readRow turns a panic of a row source into an error.
func readRow(ctx context.Context, reader *data.Reader) (row data.Row, err error) {
	defer recoverTo(&err, "reading rows")
	return reader.Next(ctx)
}

// arrange cuts examples into batches, in the order in which they are due.
func arrange(examples []Example, o *Options, epoch, first int64) []*Batch {
	if o.Arrangement != FileOrder {
		examples = byLength(examples)
	}
	var batches []*Batch
	for part := range slices.Chunk(examples, o.Rows) {
		batches = append(batches, newBatch(part))
	}
	if o.Arrangement != Shuffled {
		return batches
	}
	shuffled := make([]*Batch, len(batches))
	for to, from := range data.Permutation(len(batches), o.Seed, epoch, saltBatches, first) {
		shuffled[to] = batches[from]
	}
	return shuffled
}

// byLength returns the examples in the order of their lengths, those of equal
// lengths in the order they are in. It sorts small keys: to move whole examples
// about takes 7 to 9 % more of a processor's time from file to batch.
func byLength(examples []Example) []Example {
	type key struct{ source, target, at int }
	keys := make([]key, len(examples))
	for i, e := range examples {
		keys[i] = key{len(e.IDs), len(e.Target), i}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.target, b.target), cmp.Compare(a.at, b.at))
	})
	sorted := make([]Example, len(examples))
	for i, k := range keys {
		sorted[i] = examples[k.at]
	}
	return sorted
}

// saltBatches keeps the order of batches apart from package data's of rows.
const saltBatches = 3

// encodeAll encodes rows on all workers, keeping their order. Of
// several errors it returns the one of the earliest row.
func (r *Reader) encodeAll(ctx context.Context, rows []data.Row) ([]Example, error) {
	examples := make([]Example, len(rows))
	size := (len(rows) + r.options.Workers - 1) / r.options.Workers
	errs := make([]error, r.options.Workers)
	var workers sync.WaitGroup
	for w := range r.options.Workers {
		start, end := min(w*size, len(rows)), min((w+1)*size, len(rows))
		workers.Go(func() { errs[w] = r.encodeSome(ctx, rows[start:end], examples[start:end]) })
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return examples, nil
}

func (r *Reader) encodeSome(ctx context.Context, rows []data.Row, examples []Example) (err error) {
	defer recoverTo(&err, "tokenising")
	for i, row := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if examples[i], err = r.options.Encode(row); err != nil {
			return err
		}
		examples[i].Row = row.Number()
	}
	return nil
}
