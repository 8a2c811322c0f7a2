package data

import (
	"context"
	"fmt"
	"io"
)

// DefaultBuffer is the number of rows that are shuffled together unless told
// otherwise.
const DefaultBuffer = 10_000

// An Order says which columns of a split are read and how its rows are
// ordered.
type Order struct {
	// Columns are the names of those to read.
	Columns []string
	// Shuffle asks for an order that is a function of Seed, Epoch and Buffer
	// alone: the blocks are shuffled over the whole split, then the rows of as
	// many blocks in a row as it takes to hold Buffer rows. Without it rows
	// come in the order of the files.
	Shuffle bool
	Seed    int64
	Epoch   int64
	// Buffer is the number of rows shuffled together, DefaultBuffer where 0.
	// Memory holds these and at most one block more.
	Buffer int
}

// A Reader streams the rows of one epoch, each row once. It is for one
// goroutine.
type Reader struct {
	split    Split
	order    Order
	windows  [][]int32 // blocks whose rows are shuffled together
	firstRow []int64   // by block: the number of its first row in the split
	window   int       // the one that comes next
	position int64     // rows delivered, or skipped by the start
	skip     int64     // rows of the next window that were delivered before
	rows     []Row     // those of this window that are still to come
}

// NewReader returns a Reader that begins with row number start of the order, 0
// for the first. Starting later costs nothing: the rows before it are not
// read, except those that are shuffled together with it. An empty split is an
// error.
func NewReader(split Split, order Order, start int64) (*Reader, error) {
	total := NumRows(split)
	if total == 0 {
		return nil, fmt.Errorf("split %q is empty", split.Name())
	}
	if start < 0 || start > total {
		return nil, fmt.Errorf("split %q has %d rows: it cannot be read from row %d", split.Name(), total, start)
	}
	if order.Buffer <= 0 {
		order.Buffer = DefaultBuffer
	}
	r := &Reader{split: split, order: order, position: start, skip: start}
	r.planWindows()
	r.skipWindows()
	return r, nil
}

// Salts keep the orders of blocks and of rows apart.
const (
	saltBlocks = 1
	saltRows   = 2
)

func (r *Reader) planWindows() {
	blockRows := r.split.BlockRows()
	r.firstRow = make([]int64, len(blockRows)+1)
	for i, rows := range blockRows {
		r.firstRow[i+1] = r.firstRow[i] + int64(rows)
	}
	if !r.order.Shuffle {
		for i := range blockRows {
			r.windows = append(r.windows, []int32{int32(i)})
		}
		return
	}
	var window []int32
	rows := 0
	for _, block := range Permutation(len(blockRows), r.order.Seed, r.order.Epoch, saltBlocks) {
		window = append(window, block)
		if rows += blockRows[block]; rows >= r.order.Buffer {
			r.windows = append(r.windows, window)
			window, rows = nil, 0
		}
	}
	if len(window) > 0 {
		r.windows = append(r.windows, window)
	}
}

// skipWindows passes over the windows that end before the start.
func (r *Reader) skipWindows() {
	for r.window < len(r.windows) {
		rows := r.windowRows(r.window)
		if r.skip < rows {
			return
		}
		r.skip -= rows
		r.window++
	}
}

func (r *Reader) windowRows(window int) int64 {
	var n int64
	for _, block := range r.windows[window] {
		n += r.firstRow[block+1] - r.firstRow[block]
	}
	return n
}

// Position returns the number of the row that Next returns next: with the
// Order it is all that NewReader needs to go on from here.
func (r *Reader) Position() int64 { return r.position }

// Next returns the next row, or io.EOF after the last.
func (r *Reader) Next(ctx context.Context) (Row, error) {
	for len(r.rows) == 0 {
		if r.window == len(r.windows) {
			return Row{}, io.EOF
		}
		if err := r.readWindow(ctx); err != nil {
			return Row{}, err
		}
	}
	row := r.rows[0]
	r.rows = r.rows[1:]
	r.position++
	return row, nil
}

func (r *Reader) readWindow(ctx context.Context) error {
	rows := make([]Row, 0, r.windowRows(r.window))
	for _, i := range r.windows[r.window] {
		first, want := r.firstRow[i], int(r.firstRow[i+1]-r.firstRow[i])
		if want == 0 {
			continue
		}
		block, err := r.split.ReadBlock(ctx, int(i), r.order.Columns)
		if err != nil {
			return err
		}
		if block.Len() != want {
			return fmt.Errorf("%s: %d rows where %d are expected: the data has changed", block.Place, block.Len(), want)
		}
		for j := range want {
			rows = append(rows, block.Row(j, first+int64(j)))
		}
	}
	if r.order.Shuffle {
		shuffled := make([]Row, len(rows))
		for to, from := range Permutation(len(rows), r.order.Seed, r.order.Epoch, saltRows, int64(r.window)) {
			shuffled[to] = rows[from]
		}
		rows = shuffled
	}
	r.rows = rows[r.skip:]
	r.skip = 0
	r.window++
	return nil
}
