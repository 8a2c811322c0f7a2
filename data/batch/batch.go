// Package batch makes batches of tokens from rows, ahead of the device that
// consumes them: rows are read, rendered by a task and tokenised in the
// background, put together by length so that little padding is computed, and
// delivered in an order that is a function of the seed and the epoch alone.
package batch

import "slices"

// An Example is a tokenised row.
type Example struct {
	IDs, Types []int32
	Label      int32
	Row        int64 // its number in the split
}

// A Batch is a rectangle of tokens. It belongs to whoever received it.
type Batch struct {
	// Rows and Length are the rectangle's sides; Length is the longest row's.
	Rows, Length int
	// IDs and Types are Rows x Length, row by row, padded on the right with
	// the pad id and with type 0.
	IDs, Types []int64
	// Lengths are the tokens of each row, padding left out.
	Lengths []int64
	// Labels are the class indices.
	Labels []int64
	// RowIDs are the rows' numbers in the split.
	RowIDs []int64
	// Tokens is the sum of Lengths.
	Tokens int64
	// Next is the state after this batch: a Reader that starts there goes on
	// with the batch that would have followed.
	Next State
}

// newBatch puts examples into one rectangle.
func newBatch(examples []Example, padID int32) *Batch {
	b := &Batch{
		Rows:    len(examples),
		Lengths: make([]int64, len(examples)),
		Labels:  make([]int64, len(examples)),
		RowIDs:  make([]int64, len(examples)),
	}
	for _, e := range examples {
		b.Length = max(b.Length, len(e.IDs))
	}
	b.IDs = slices.Repeat([]int64{int64(padID)}, b.Rows*b.Length)
	b.Types = make([]int64, b.Rows*b.Length)
	for i, e := range examples {
		start := i * b.Length
		for j, id := range e.IDs {
			b.IDs[start+j] = int64(id)
		}
		for j, t := range e.Types {
			b.Types[start+j] = int64(t)
		}
		b.Lengths[i] = int64(len(e.IDs))
		b.Labels[i] = int64(e.Label)
		b.RowIDs[i] = e.Row
		b.Tokens += b.Lengths[i]
	}
	return b
}

// Split cuts the batch into consecutive parts of the given number of rows, the
// last one with what is left, each no longer than its longest row. Rows of 0 or
// at least b.Rows give the batch itself. Parts carry no Next but the last.
func (b *Batch) Split(rows int) []*Batch {
	if rows <= 0 || rows >= b.Rows {
		return []*Batch{b}
	}
	var parts []*Batch
	for start := 0; start < b.Rows; start += rows {
		parts = append(parts, b.part(start, min(start+rows, b.Rows)))
	}
	parts[len(parts)-1].Next = b.Next
	return parts
}

func (b *Batch) part(start, end int) *Batch {
	p := &Batch{
		Rows:    end - start,
		Length:  int(slices.Max(b.Lengths[start:end])),
		Lengths: b.Lengths[start:end:end],
		Labels:  b.Labels[start:end:end],
		RowIDs:  b.RowIDs[start:end:end],
	}
	p.IDs = make([]int64, 0, p.Rows*p.Length)
	p.Types = make([]int64, 0, p.Rows*p.Length)
	for i := start; i < end; i++ {
		p.IDs = append(p.IDs, b.IDs[i*b.Length:i*b.Length+p.Length]...)
		p.Types = append(p.Types, b.Types[i*b.Length:i*b.Length+p.Length]...)
		p.Tokens += b.Lengths[i]
	}
	return p
}
