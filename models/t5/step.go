package t5

import (
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// Texts are generated an id at a time, so all of them have one length, and what
// the decoder looks at lies in rectangles: here is how it reads on.

// pair is the keys and the values that attention looks at, each [rows, heads,
// length, d_kv].
type pair struct{ keys, values *torch.Tensor }

// length is the number of keys.
func (p pair) length() int64 {
	if p.keys == nil {
		return 0
	}
	return p.keys.Dim(2)
}

// source is the encoder's last hidden state, as the decoder looks at it.
type source struct {
	memory []pair        // of each block
	mask   *torch.Tensor // of keys, broadcast to the scores
}

// source prepares the encoder's last hidden state [tokens, dim] for in.
func (m *Model) source(hidden *torch.Tensor, in models.Input) source {
	padded, mask := pad(hidden, m.encoder.prompt.Lengths(in.Lengths))
	from := source{mask: mask.Unsqueeze(1).Unsqueeze(1)}
	for _, b := range m.decoder.blocks {
		keys, values := b.cross.attention.MemoryPadded(padded)
		from.memory = append(from.memory, pair{keys, values})
	}
	return from
}

// pad lays packed sequences x [tokens, dim] below each other, [rows, longest,
// dim]; the mask is true for tokens that are there.
func pad(x *torch.Tensor, lengths []int64) (padded, mask *torch.Tensor) {
	rows, longest := int64(len(lengths)), slices.Max(lengths)
	index, real := make([]int64, rows*longest), make([]bool, rows*longest)
	at := int64(0)
	for row, n := range lengths {
		for i := range n {
			index[int64(row)*longest+i], real[int64(row)*longest+i] = at+i, true
		}
		at += n
	}
	s, device := x.Scope(), x.Device()
	padded = x.IndexSelect(0, torch.FromSlice(s, index, rows*longest).ToDevice(device)).Reshape(rows, longest, -1)
	return padded, torch.FromSlice(s, real, rows, longest).ToDevice(device)
}

// step returns the last hidden state, [rows, length, dim], of x and what the
// blocks have seen with it; past is what they saw before x, nil for nothing.
// Dropout is off.
func (s *stack) step(x *torch.Tensor, from source, past []pair) (*torch.Tensor, []pair) {
	if past == nil {
		past = make([]pair, len(s.blocks))
	}
	seen := make([]pair, len(s.blocks))
	bias := s.bias.forward(x, past[0].length())
	for i, b := range s.blocks {
		x, seen[i] = b.self.selfStep(x, past[i], bias)
		x = b.cross.crossStep(x, from.memory[i], from.mask)
		x = b.feedForward.forward(x, false)
	}
	return s.finish(x, false), seen
}

// selfStep lets x [rows, length, dim] attend to past and to itself, and
// returns the keys and values of both. The bias is broadcast to the scores.
func (a *attention) selfStep(x *torch.Tensor, past pair, bias *torch.Tensor) (*torch.Tensor, pair) {
	normed := a.norm.Forward(x)
	var seen pair
	seen.keys, seen.values = a.attention.MemoryPadded(normed)
	if past.keys != nil {
		seen = pair{torch.Cat(2, past.keys, seen.keys), torch.Cat(2, past.values, seen.values)}
	}
	attended := a.attention.AttendPadded(normed, seen.keys, seen.values, bias)
	return a.end.Forward(a.output, attended, x, false), seen
}

// crossStep lets x attend to memory. Where x has n rows for each of memory's,
// these n look at it as if they were one, which spares n copies.
func (a *attention) crossStep(x *torch.Tensor, memory pair, mask *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	normed := a.norm.Forward(x).Reshape(memory.keys.Dim(0), -1, shape[2])
	attended := a.attention.AttendPadded(normed, memory.keys, memory.values, mask)
	return a.end.Forward(a.output, attended.Reshape(shape[0], shape[1], -1), x, false)
}
