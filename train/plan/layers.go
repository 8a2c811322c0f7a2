package plan

import (
	"github.com/gopet-ml/gopet/torch/nn"
)

const (
	float = int64(4) // bytes of a tuned value, of its gradient, of a norm's statistic
	index = int64(8) // bytes of a position

	blockTokens = 1024 // torch/csrc/blocks.h: rows of a block at most
	tileRows    = 64   // torch/csrc/mask_plan.cc: rows of a dense tile
)

// builder writes the tape of a model's step, layer by layer: what each operation
// of packages torch and torch/nn makes, keeps and computes.
type builder struct {
	tape
	tuned   *tuned
	element int64 // bytes of an activation
	threads int64
}

// blocks are how many blocks tokens are cut into, and the rows of the largest.
func (b *builder) blocks(tokens int64) (count, largest int64) {
	threads := max(b.threads, 2)
	least := (tokens + blockTokens - 1) / blockTokens
	count = min((least+threads-1)/threads*threads, max(tokens, 1))
	return count, (tokens + count - 1) / count
}

// term is a linear layer within a fused one: of the model, or a bottleneck's.
type term struct {
	in, out             int64
	weight, bias, input bool    // whether they learn; whether a gradient reads x
	dense               bool    // whether that is done once for all tokens
	rank                int64   // of a low-rank update
	entries             float64 // of a mask
	fresh               bool    // parameters beside the model's
}

func (b *builder) term(l *nn.Linear) term {
	t := term{in: l.In, out: l.Out, weight: b.tuned.whole[l.Weight], rank: b.tuned.ranks[l], entries: b.tuned.entries(l.Weight)}
	t.bias = b.tuned.biases[l] || l.Bias != nil && b.tuned.whole[l.Bias]
	// A tile that is worth its products has a third of its entries.
	t.dense = t.weight || 3*t.entries > float64(l.In*l.Out)
	t.input = t.weight || t.entries > 0 || t.rank > 0
	return t
}

func (t term) learns() bool { return t.input || t.bias }

// sums are a backward's partial results of each block.
func (t term) sums(blocks int64) int64 {
	n := int64(0)
	if t.bias {
		n += t.out
	}
	if !t.dense {
		n += int64(t.entries)
	}
	return (n + t.rank*(t.in+t.out)) * float * blocks
}

// learned are the bytes of its parameters' gradients.
func (t term) learned(element int64) int64 {
	n := float * (int64(t.entries) + t.rank*(t.in+t.out))
	if t.fresh {
		element = float
	}
	if t.weight {
		n += element * t.in * t.out
	}
	if t.bias {
		n += element * t.out
	}
	return n
}

func (t term) forward(w *work, tokens, blocks, element int64) {
	rows := (tokens + blocks - 1) / blocks
	for range blocks {
		w.product(rows, t.in, t.out, element)
	}
	if updated := t.updatedWeight(tokens, element); updated > 0 {
		w[plainBytes] += float64(4 * updated) // it is copied, and read and written again
	} else {
		t.thin(w, tokens*(t.in+t.out))
	}
}

// updatedWeight is how many bytes a copy of the weight takes that a low-rank
// update is added to, as torch/csrc/effective_weight.cc does for a pass.
func (t term) updatedWeight(tokens, element int64) int64 {
	if t.rank == 0 || element != float || tokens <= t.in {
		return 0
	}
	return t.in * t.out * element
}

// thin adds products with a low-rank update, which go over so many elements.
func (t term) thin(w *work, elements int64) { w[thinElements] += float64(t.rank*elements) / 8 }

// backward is the gradient of x, where it is wanted, and those of parameters.
func (t term) backward(w *work, tokens, blocks, element int64, wanted bool) {
	if wanted {
		t.forward(w, tokens, blocks, element)
	}
	if t.weight {
		w.product(t.out, tokens, t.in, element)
	}
	// What lies between the two matrices and its gradient, and the matrices' gradients.
	t.thin(w, tokens*2*(t.in+t.out))
	if t.bias {
		w[plainBytes] += float64(element * tokens * t.out)
	}
	if t.dense && !t.weight {
		w.product(t.out, tokens, t.in, float)
	} else {
		w[sampledTerms] += t.entries * float64(tokens)
	}
}

// fused is what torch.FusedLinear is asked for.
type fused struct {
	first    []term
	active   activation
	gated    bool
	second   *term
	residual *value
	norm     *nn.LayerNorm // after the residual, or nil
}

type activation int

const (
	noActivation activation = iota
	gelu
	otherActivation
)

func (a activation) costs() (elements, gradients cost) {
	if a == gelu {
		return geluElements, geluGradients
	}
	return otherElements, otherGradients
}

// fusedLinear follows torch/csrc/fused_linear.cc.
func (b *builder) fusedLinear(x *value, tokens int64, f fused) *value {
	e := b.element
	blocks, largest := b.blocks(tokens)
	width, firstInput, firstDense, learns := int64(0), false, false, false
	o := &operation{inputs: []*value{x}}
	for _, t := range f.first {
		width += t.out
		firstInput, firstDense, learns = firstInput || t.input, firstDense || t.dense, learns || t.learns()
		t.forward(&o.forward, tokens, blocks, e)
		o.forwardScratch += t.updatedWeight(tokens, e)
		o.scratch += t.sums(blocks) + t.updatedWeight(tokens, e)
		o.learned += t.learned(e)
	}
	inner, out := width, width
	if f.gated {
		inner, out = width/2, width/2
	}
	if f.second != nil {
		t := *f.second
		out = t.out
		learns = learns || t.learns()
		t.forward(&o.forward, tokens, blocks, e)
		o.forwardScratch += t.updatedWeight(tokens, e)
		o.scratch += t.sums(blocks) + t.updatedWeight(tokens, e)
		o.learned += t.learned(e)
	}
	normLearns := b.fusedNorm(o, f.norm, tokens, out, blocks)
	learns = learns || normLearns
	wanted := x.gradient
	learns = learns || f.residual != nil && f.residual.gradient
	if f.active != noActivation {
		o.kept += tokens * width * e
		b.activate(o, f, tokens, largest, width, inner, firstDense)
	}
	for _, t := range f.first {
		t.backward(&o.backward, tokens, blocks, e, wanted)
	}
	if f.second != nil {
		f.second.backward(&o.backward, tokens, blocks, e, true)
	}
	b.join(o, x, f, tokens*out)
	o.forward[operations]++
	o.backward[operations]++
	return b.add(o, tokens*out*e, learns)
}

// activate adds the activation between two layers.
func (b *builder) activate(o *operation, f fused, tokens, largest, width, inner int64, firstDense bool) {
	e := b.element
	elements, gradients := f.active.costs()
	o.forward[elements] += float64(tokens * inner)
	o.backward[gradients] += float64(tokens * inner)
	block := b.threads * largest * e
	o.forwardScratch += block * inner
	o.scratch += block * inner // the gradient of what is activated
	if f.second != nil && f.second.input {
		o.backward[elements] += float64(tokens * inner)
		if f.second.dense {
			o.scratch += tokens * inner * e
		} else {
			o.scratch += block * inner
		}
	}
	if firstDense {
		o.scratch += tokens * width * e
	} else {
		o.scratch += block * width
	}
}

// fusedNorm adds the norm at an operation's end, and says whether it learns.
func (b *builder) fusedNorm(o *operation, norm *nn.LayerNorm, tokens, out, blocks int64) bool {
	if norm == nil {
		return false
	}
	o.kept += tokens * (out*b.element + 2*float)
	o.scratch += tokens * out * b.element // the gradient of the sum
	o.forward[normElements] += float64(tokens * out)
	o.backward[normGradients] += float64(tokens * out)
	return b.normLearns(o, norm, out, blocks)
}

// normLearns adds the gradients of a norm's own parameters.
func (b *builder) normLearns(o *operation, norm *nn.LayerNorm, out, blocks int64) bool {
	learns := false
	for _, p := range []*nn.Parameter{norm.Weight, norm.Bias} {
		if p != nil && (b.tuned.whole[p] || b.tuned.masked[p] > 0) {
			o.scratch += blocks * out * float
			o.learned += out * float
			learns = true
		}
	}
	return learns
}

// join says where the gradient of the residual comes from: behind a norm it is
// one with x's or that of the sum, else the output's own.
func (b *builder) join(o *operation, x *value, f fused, elements int64) {
	switch {
	case f.residual == nil:
	case f.residual == x:
		o.forward[plainBytes] += float64(b.element * elements)
		if f.norm == nil {
			o.backward[plainBytes] += float64(2 * b.element * elements)
		} else if f.active != noActivation && (f.second == nil || !f.second.dense) {
			o.scratch -= elements * b.element // x's gradient begins in its place
		}
	default:
		o.forward[plainBytes] += float64(b.element * elements)
		if f.norm == nil {
			o.passes = append(o.passes, f.residual)
		} else {
			o.inputs = append(o.inputs, f.residual)
			if f.residual.gradient {
				o.scratch -= elements * b.element // counted as the residual's gradient
			}
		}
	}
}

// linear is a layer by itself.
func (b *builder) linear(x *value, tokens int64, l *nn.Linear) *value {
	return b.fusedLinear(x, tokens, fused{first: []term{b.term(l)}})
}

// attention is of sequences of the given lengths; heads stand beside each other
// in width. Of self-attention the operands are one value.
func (b *builder) attention(operands []*value, queries, keys []int64, heads, width int64, causal bool) *value {
	o := &operation{inputs: operands}
	tokens, keyTokens := sum(queries), sum(keys)
	o.kept = 2 * heads * tokens * float
	pairs := 0.0
	for i, q := range queries {
		pairs += float64(q * keys[i])
	}
	if causal {
		pairs /= 2
	}
	bytes := float64(b.element * width * (2*tokens + 2*keyTokens))
	o.forward[attentionOperations] = 4 * pairs * float64(width)
	o.forward[attentionBytes] = bytes
	o.backward[attentionOperations] = 10 * pairs * float64(width)
	o.backward[attentionBytes] = 2 * bytes
	o.forward[operations]++
	o.backward[operations]++
	return b.add(o, tokens*width*b.element, false)
}

// normRows is how many rows of a norm by itself make a block, whatever the threads.
const normRows = 128

// norm is one by itself: a layer's or, in T5, of root mean squares. T5's get a
// bias as an operation behind them.
func (b *builder) norm(x *value, tokens, dim int64, norm *nn.LayerNorm, elements, gradients cost) *value {
	o := &operation{inputs: []*value{x}, kept: 2 * float * tokens}
	o.forward[elements] = float64(tokens * dim)
	o.backward[gradients] = float64(tokens * dim)
	learns := b.normLearns(o, norm, dim, (tokens+normRows-1)/normRows)
	if learns && !x.gradient {
		o.scratch += tokens * dim * b.element // it is computed all the same
	}
	o.forward[operations]++
	o.backward[operations]++
	return b.add(o, tokens*dim*b.element, learns)
}

func (b *builder) layerNorm(x *value, tokens, dim int64, norm *nn.LayerNorm) *value {
	return b.norm(x, tokens, dim, norm, normElements, normGradients)
}

func (b *builder) rmsNorm(x *value, tokens, dim int64, norm *nn.LayerNorm) *value {
	y := b.norm(x, tokens, dim, norm, rmsElements, rmsGradients)
	if !b.tuned.normBiases[norm] {
		return y
	}
	bias := &operation{passes: []*value{y}, learned: dim * float}
	bias.forward[plainBytes] = float64(3 * b.element * tokens * dim)
	bias.backward[plainBytes] = float64(b.element * tokens * dim)
	return b.add(bias, tokens*dim*b.element, true)
}

// sum of two values of so many elements.
func (b *builder) sum(x, y *value, elements int64) *value {
	o := &operation{passes: []*value{x, y}}
	o.forward[plainBytes] = float64(3 * b.element * elements)
	o.forward[operations]++
	return b.add(o, elements*b.element, false)
}

// embedding looks up tokens in a table.
func (b *builder) embedding(tokens, dim int64, table *nn.Parameter) *value {
	o := &operation{}
	o.forward[plainBytes] = float64(2 * b.element * tokens * dim)
	learns := b.tuned.whole[table]
	if learns {
		o.learned = table.NumEl() * b.element
		o.backward[plainBytes] = float64(table.NumEl()*b.element) + float64(3*b.element*tokens*dim)
	}
	if b.tuned.masked[table] > 0 {
		learns = true
		o.learned = int64(b.tuned.entries(table)) * float
	}
	o.forward[operations]++
	return b.add(o, tokens*dim*b.element, learns)
}

// gather picks rows of x: its gradient is as large as x.
func (b *builder) gather(x *value, rows, dim int64) *value {
	o := &operation{inputs: []*value{x}}
	o.forward[plainBytes] = float64(2 * b.element * rows * dim)
	o.backward[plainBytes] = float64(x.bytes) + float64(2*b.element*rows*dim)
	o.forward[operations]++
	o.backward[operations]++
	return b.add(o, rows*dim*b.element, false)
}

// prepend puts the soft prompt before the tokens of each row.
func (b *builder) prepend(embedded *value, tokens, rows, dim int64) *value {
	n := b.tuned.prompt
	if n == 0 {
		return embedded
	}
	joined := &operation{passes: []*value{embedded}, learned: n * dim * float}
	joined.forward[plainBytes] = float64(2 * b.element * (tokens + n) * dim)
	x := b.add(joined, (tokens+n)*dim*b.element, true)
	return b.gather(x, tokens+n*rows, dim)
}

// blockEnd is nn.Sublayer.Forward: a block's last layers, f, over x join the
// stream.
func (b *builder) blockEnd(s *nn.Sublayer, f fused, x, stream *value, tokens int64) *value {
	width := b.tuned.bottlenecks[s]
	if width == 0 {
		f.residual, f.norm = stream, s.Norm
		return b.fusedLinear(x, tokens, f)
	}
	output := b.fusedLinear(x, tokens, f)
	join := func(output, stream *value) *value {
		total := b.sum(output, stream, tokens*s.Dim)
		if s.Norm == nil {
			return total
		}
		return b.layerNorm(total, tokens, s.Dim, s.Norm)
	}
	around := func(h, residual *value) *value {
		up := term{in: width, out: s.Dim, weight: true, bias: true, input: true, dense: true, fresh: true}
		down := term{in: s.Dim, out: width, weight: true, bias: true, input: true, dense: true, fresh: true}
		return b.fusedLinear(h, tokens, fused{first: []term{down}, active: otherActivation, second: &up, residual: residual})
	}
	switch b.tuned.placement {
	case "houlsby":
		return join(around(output, output), stream)
	case "pfeiffer":
		return join(around(join(output, stream), output), stream)
	}
	h := join(output, stream)
	return around(h, h)
}

func sum(list []int64) int64 {
	var total int64
	for _, n := range list {
		total += n
	}
	return total
}
