// Package batch makes batches of tokens from rows, ahead of the device that
// consumes them: rows are read, rendered by a task and tokenised in the
// background, put together by length, so that a device that pads computes
// little padding, and delivered packed, in an order that is a function of the
// seed and the epoch alone.
//
// An Encoder makes tokens of a row. ForHead and ForText make one of a task and
// a tokenizer, for models that answer by a classification head and for those
// that write their answer.
package batch

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

// A Batch holds the tokens of some rows packed: one row after the other, with
// nothing between them, and for a model that writes its answer the targets in
// the same way. It belongs to whoever received it.
type Batch struct {
	// Rows is how many there are.
	Rows int
	// IDs and Types are the tokens of all rows, the first row's first; types
	// are 0 where the model has none.
	IDs, Types []int64
	// Lengths are the tokens of each row.
	Lengths []int64
	// Targets are the target tokens of all rows, TargetLengths those of each.
	// Both are nil without targets.
	Targets, TargetLengths []int64
	// Labels are the class indices, -1 where there is none.
	Labels []int64
	// References are the right answers of each row, nil without any.
	References [][]string
	// RowIDs are the rows' numbers in the split.
	RowIDs []int64
	// Tokens is the number of IDs and Targets together, TargetTokens that of
	// Targets alone.
	Tokens, TargetTokens int64
	// Next is the state after this batch: a Reader that starts there goes on
	// with the batch that would have followed.
	Next State
}

// newBatch packs examples.
func newBatch(examples []Example) *Batch {
	b := &Batch{
		Rows:    len(examples),
		Lengths: make([]int64, len(examples)),
		Labels:  make([]int64, len(examples)),
		RowIDs:  make([]int64, len(examples)),
	}
	answered := false
	for i, e := range examples {
		b.Lengths[i], b.Labels[i], b.RowIDs[i] = int64(len(e.IDs)), int64(e.Label), e.Row
		b.Tokens += int64(len(e.IDs))
		b.TargetTokens += int64(len(e.Target))
		answered = answered || e.References != nil
	}
	b.IDs, b.Types = make([]int64, b.Tokens), make([]int64, b.Tokens)
	at := 0
	for _, e := range examples {
		widen(b.IDs[at:], e.IDs)
		widen(b.Types[at:], e.Types)
		at += len(e.IDs)
	}
	if b.TargetTokens > 0 {
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
	b.Targets = make([]int64, b.TargetTokens)
	b.TargetLengths = make([]int64, len(examples))
	at := 0
	for i, e := range examples {
		widen(b.Targets[at:], e.Target)
		at += len(e.Target)
		b.TargetLengths[i] = int64(len(e.Target))
	}
	b.Tokens += b.TargetTokens
}

// widen copies numbers to the beginning of to.
func widen(to []int64, from []int32) {
	for i, value := range from {
		to[i] = int64(value)
	}
}

// Split cuts the batch into consecutive parts of the given number of rows, the
// last one with what is left. They share the batch's memory. Rows of 0 or at
// least b.Rows give the batch itself. Parts carry no Next but the last.
func (b *Batch) Split(rows int) []*Batch {
	if rows <= 0 || rows >= b.Rows {
		return []*Batch{b}
	}
	begins, targetBegins := offsets(b.Lengths), offsets(b.TargetLengths)
	var parts []*Batch
	for start := 0; start < b.Rows; start += rows {
		parts = append(parts, b.part(start, min(start+rows, b.Rows), begins, targetBegins))
	}
	parts[len(parts)-1].Next = b.Next
	return parts
}

// offsets are where packed rows of these lengths begin, and where the last ends.
func offsets(lengths []int64) []int64 {
	list := make([]int64, len(lengths)+1)
	for i, n := range lengths {
		list[i+1] = list[i] + n
	}
	return list
}

// part is rows start to end; offsets and targets are where rows and their
// targets begin.
func (b *Batch) part(start, end int, offsets, targets []int64) *Batch {
	p := &Batch{
		Rows:    end - start,
		IDs:     packed(b.IDs, offsets, start, end),
		Types:   packed(b.Types, offsets, start, end),
		Lengths: b.Lengths[start:end:end],
		Labels:  b.Labels[start:end:end],
		RowIDs:  b.RowIDs[start:end:end],
	}
	if b.Targets != nil {
		p.Targets = packed(b.Targets, targets, start, end)
		p.TargetLengths = b.TargetLengths[start:end:end]
		p.TargetTokens = int64(len(p.Targets))
	}
	p.Tokens = int64(len(p.IDs)) + p.TargetTokens
	if b.References != nil {
		p.References = b.References[start:end:end]
	}
	return p
}

// packed is the tokens of rows start to end.
func packed(tokens, offsets []int64, start, end int) []int64 {
	from, to := offsets[start], offsets[end]
	return tokens[from:to:to]
}
