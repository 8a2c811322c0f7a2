// Package batch makes batches of tokens from rows, ahead of the device that
// consumes them: rows are read, rendered by a task and tokenised in the
// background, put together by length so that little padding is computed, and
// delivered in an order that is a function of the seed and the epoch alone.
//
// An Encoder makes tokens of a row. ForHead and ForText make one of a task and
// a tokenizer, for models that answer by a classification head and for those
// that write their answer.
package batch

import "slices"

// An Example is a tokenised row.
type Example struct {
	IDs, Types []int32
	// Target are the tokens to generate, none for a model with a head.
	Target []int32
	// Label is the class, -1 where there is none.
	Label int32
	// References are the texts of which any is a right answer.
	References []string
	// Row is its number in the split.
	Row int64
}

// IgnoreIndex pads targets: PyTorch's cross entropy leaves it out.
const IgnoreIndex = -100

// A Batch is a rectangle of tokens, and for a model that writes its answer a
// second one of targets. It belongs to whoever received it.
type Batch struct {
	// Rows and Length are the rectangle's sides; Length is the longest row's.
	Rows, Length int
	// IDs and Types are Rows x Length, row by row, padded on the right with
	// the pad id and with type 0.
	IDs, Types []int64
	// Lengths are the tokens of each row, padding left out.
	Lengths []int64
	// Targets are Rows x TargetLength, padded on the right with IgnoreIndex;
	// TargetLengths are the tokens of each row. Without targets TargetLength
	// is 0 and both are nil.
	Targets       []int64
	TargetLength  int
	TargetLengths []int64
	// Labels are the class indices, -1 where there is none.
	Labels []int64
	// References are the right answers of each row, nil without any.
	References [][]string
	// RowIDs are the rows' numbers in the split.
	RowIDs []int64
	// Tokens is the sum of Lengths and of TargetLengths, TargetTokens that of
	// TargetLengths alone.
	Tokens, TargetTokens int64
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
	answered := false
	for i, e := range examples {
		b.Lengths[i], b.Labels[i], b.RowIDs[i] = int64(len(e.IDs)), int64(e.Label), e.Row
		b.Length = max(b.Length, len(e.IDs))
		b.TargetLength = max(b.TargetLength, len(e.Target))
		b.Tokens += b.Lengths[i]
		answered = answered || e.References != nil
	}
	b.IDs = rectangle(examples, b.Length, int64(padID), func(e Example) []int32 { return e.IDs })
	b.Types = rectangle(examples, b.Length, 0, func(e Example) []int32 { return e.Types })
	if b.TargetLength > 0 {
		b.addTargets(examples)
	}
	if answered {
		b.References = make([][]string, len(examples))
		for i, e := range examples {
			b.References[i] = e.References
		}
	}
	return b
}

func (b *Batch) addTargets(examples []Example) {
	b.Targets = rectangle(examples, b.TargetLength, IgnoreIndex, func(e Example) []int32 { return e.Target })
	b.TargetLengths = make([]int64, len(examples))
	for i, e := range examples {
		b.TargetLengths[i] = int64(len(e.Target))
		b.TargetTokens += b.TargetLengths[i]
	}
	b.Tokens += b.TargetTokens
}

// rectangle lays out a row of each example, filled up to length.
func rectangle(examples []Example, length int, fill int64, row func(Example) []int32) []int64 {
	flat := slices.Repeat([]int64{fill}, len(examples)*length)
	for i, e := range examples {
		for j, value := range row(e) {
			flat[i*length+j] = int64(value)
		}
	}
	return flat
}

// Split cuts the batch into consecutive parts of the given number of rows, the
// last one with what is left, each no longer than its longest row and target.
// Rows of 0 or at least b.Rows give the batch itself. Parts carry no Next but
// the last.
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
		Lengths: b.Lengths[start:end:end],
		Labels:  b.Labels[start:end:end],
		RowIDs:  b.RowIDs[start:end:end],
	}
	p.Length, p.Tokens = measure(p.Lengths)
	p.IDs = narrow(b.IDs, b.Length, start, end, p.Length)
	p.Types = narrow(b.Types, b.Length, start, end, p.Length)
	if b.Targets != nil {
		p.TargetLengths = b.TargetLengths[start:end:end]
		p.TargetLength, p.TargetTokens = measure(p.TargetLengths)
		p.Targets = narrow(b.Targets, b.TargetLength, start, end, p.TargetLength)
		p.Tokens += p.TargetTokens
	}
	if b.References != nil {
		p.References = b.References[start:end:end]
	}
	return p
}

// measure returns the largest of lengths and their sum.
func measure(lengths []int64) (longest int, total int64) {
	for _, n := range lengths {
		longest = max(longest, int(n))
		total += n
	}
	return longest, total
}

// narrow copies rows start to end of a rectangle, the first length columns of
// its width.
func narrow(flat []int64, width, start, end, length int) []int64 {
	out := make([]int64, 0, (end-start)*length)
	for i := start; i < end; i++ {
		out = append(out, flat[i*width:i*width+length]...)
	}
	return out
}
