package plan

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// probe is an operation that calibration times, forward and backward, and the
// work that a plan would take it for.
type probe struct {
	tape   *tape
	run    func(s *torch.Scope) *torch.Tensor
	leaves []*torch.Tensor
}

// operands makes probes' operands, of one dtype.
type operands struct {
	scope *torch.Scope // of the operands
	dtype torch.DType
	seed  uint64
}

func (b *operands) builder() *builder {
	return &builder{tuned: &tuned{}, element: int64(b.dtype.Size()), threads: int64(torch.NumThreads())}
}

// tensor is of random values; one that learns is a leaf.
func (b *operands) tensor(learns bool, shape ...int64) *torch.Tensor {
	b.seed++
	t := torch.Normal(b.scope, 0, 0.05, b.seed, torch.Float32, shape...).ToDType(b.dtype).Detach()
	return t.SetRequiresGrad(learns)
}

func (b *operands) ones(dim int64) *torch.Tensor { return torch.Ones(b.scope, torch.Float32, dim) }

// input is what a gradient flows to.
func (b *operands) input(elements int64) *value {
	return &value{bytes: elements * int64(b.dtype.Size()), gradient: true}
}

// probes cover every kind of work in the sizes that models have.
func (b *operands) probes() []*probe {
	var list []*probe
	for _, p := range []struct {
		tokens, in, out int64
		learns          bool
	}{
		{2048, 384, 384, false}, {2048, 384, 1152, false}, {2048, 1536, 384, false}, {512, 384, 1152, false},
		{2048, 512, 1152, false}, {128, 512, 1024, false}, {16, 384, 384, false}, {1024, 768, 3072, false},
		{128, 512, 16384, false}, {2048, 384, 1152, true}, {512, 512, 512, true},
	} {
		list = append(list, b.linear(p.tokens, p.in, p.out, p.learns))
	}
	return append(list,
		b.lowRank(2048, 384, 384, 8), b.lowRank(2048, 384, 1536, 8), b.lowRank(512, 1536, 384, 8),
		b.masked(2048, 384, 1536, 20000), b.masked(512, 384, 1536, 5000),
		// Narrow, so that the activation is most of it.
		b.feedForward(2048, 32, 1536, torch.ActivationGELU, false), b.feedForward(512, 32, 1536, torch.ActivationGELU, false),
		b.feedForward(2048, 32, 1024, torch.ActivationTanhGELU, true), b.feedForward(512, 32, 1024, torch.ActivationTanhGELU, true),
		b.feedForward(2048, 384, 1536, torch.ActivationGELU, false), b.feedForward(2048, 512, 1024, torch.ActivationTanhGELU, true),
		b.normed(2048, 384), b.layerNorm(2048, 384), b.rmsNorm(2048, 512), b.rmsNorm(256, 512),
		b.attention(16, 128, 12, 32), b.attention(8, 64, 12, 32), b.attention(16, 128, 6, 64), b.attention(16, 228, 12, 32),
		b.sum(2048, 384), b.sum(256, 384), b.crossEntropy(128, 32128),
	)
}

func (b *operands) linear(tokens, in, out int64, learns bool) *probe {
	x, w, builder := b.tensor(true, tokens, in), b.tensor(learns, out, in), b.builder()
	builder.fusedLinear(b.input(tokens*in), tokens, fused{first: []term{{in: in, out: out, weight: learns, dense: learns, input: learns}}})
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.FusedLinear(x.In(s), torch.FusedLinearOptions{}, torch.LinearTerm{Weight: w})
	}, []*torch.Tensor{x, w}}
}

func (b *operands) lowRank(tokens, in, out, rank int64) *probe {
	x, w, builder := b.tensor(true, tokens, in), b.tensor(false, out, in), b.builder()
	down, up := b.tensor(true, rank, in), b.tensor(true, out, rank)
	builder.fusedLinear(b.input(tokens*in), tokens, fused{first: []term{{in: in, out: out, rank: rank, input: true}}})
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.FusedLinear(x.In(s), torch.FusedLinearOptions{}, torch.LinearTerm{Weight: w, A: down, B: up, Scale: 2})
	}, []*torch.Tensor{x, down, up}}
}

func (b *operands) masked(tokens, in, out, entries int64) *probe {
	x, w, builder := b.tensor(true, tokens, in), b.tensor(false, out, in), b.builder()
	positions := make([]int64, entries)
	for i := range positions {
		positions[i] = int64(i) * (in * out / entries)
	}
	index := torch.FromSlice(b.scope, positions, entries)
	values := w.Take(index).ToDType(torch.Float32).Detach().SetRequiresGrad(true)
	builder.fusedLinear(b.input(tokens*in), tokens, fused{first: []term{{in: in, out: out, entries: float64(entries), input: true}}})
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.FusedLinear(x.In(s), torch.FusedLinearOptions{}, torch.LinearTerm{Weight: w, Mask: torch.Mask{Index: index, Values: values}})
	}, []*torch.Tensor{x, values}}
}

func (b *operands) feedForward(tokens, dim, inner int64, a torch.Activation, gated bool) *probe {
	x, builder := b.tensor(true, tokens, dim), b.builder()
	first := []torch.LinearTerm{{Weight: b.tensor(false, inner, dim)}}
	f := fused{first: []term{{in: dim, out: inner}}, active: otherActivation, gated: gated, second: &term{in: inner, out: dim}}
	if a == torch.ActivationGELU {
		f.active = gelu
	}
	if gated {
		first, f.first = append(first, torch.LinearTerm{Weight: b.tensor(false, inner, dim)}), append(f.first, f.first[0])
	}
	second := torch.LinearTerm{Weight: b.tensor(false, dim, inner)}
	builder.fusedLinear(b.input(tokens*dim), tokens, f)
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.FusedLinear(x.In(s), torch.FusedLinearOptions{Activation: a, Gated: gated, Second: &second}, first...)
	}, []*torch.Tensor{x}}
}

// normed is a layer with the residual and the norm behind it.
func (b *operands) normed(tokens, dim int64) *probe {
	x, w, builder := b.tensor(true, tokens, dim), b.tensor(false, dim, dim), b.builder()
	scale, shift := b.ones(dim), b.ones(dim)
	v := b.input(tokens * dim)
	builder.fusedLinear(v, tokens, fused{first: []term{{in: dim, out: dim}}, residual: v, norm: &nn.LayerNorm{}})
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		x := x.In(s)
		return torch.FusedLinear(x, torch.FusedLinearOptions{Residual: x, NormWeight: scale, NormBias: shift, Eps: 1e-12}, torch.LinearTerm{Weight: w})
	}, []*torch.Tensor{x}}
}

func (b *operands) layerNorm(tokens, dim int64) *probe {
	x, scale, shift, builder := b.tensor(true, tokens, dim), b.ones(dim), b.ones(dim), b.builder()
	builder.layerNorm(b.input(tokens*dim), tokens, dim, &nn.LayerNorm{})
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.LayerNorm(x.In(s), scale, shift, 1e-12)
	}, []*torch.Tensor{x}}
}

func (b *operands) rmsNorm(tokens, dim int64) *probe {
	x, scale, builder := b.tensor(true, tokens, dim), b.ones(dim), b.builder()
	builder.rmsNorm(b.input(tokens*dim), tokens, dim, &nn.LayerNorm{})
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor { return torch.RMSNorm(x.In(s), scale, 1e-6) }, []*torch.Tensor{x}}
}

func (b *operands) attention(rows, length, heads, dim int64) *probe {
	tokens, lengths, builder := rows*length, repeat(length, int(rows)), b.builder()
	qkv, offsets := b.tensor(true, tokens, 3, heads, dim), make([]int64, rows+1)
	for i := range offsets {
		offsets[i] = int64(i) * length
	}
	builder.attention([]*value{b.input(3 * tokens * heads * dim)}, lengths, lengths, heads, heads*dim, false)
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.PackedSelfAttention(qkv.In(s), offsets, torch.PackedAttentionOptions{})
	}, []*torch.Tensor{qkv}}
}

func (b *operands) sum(tokens, dim int64) *probe {
	x, y, builder := b.tensor(true, tokens, dim), b.tensor(false, tokens, dim), b.builder()
	builder.sum(b.input(tokens*dim), &value{}, tokens*dim)
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor { return x.In(s).Add(y) }, []*torch.Tensor{x}}
}

func (b *operands) crossEntropy(tokens, classes int64) *probe {
	logits, builder := b.tensor(true, tokens, classes), b.builder()
	targets := torch.FromSlice(b.scope, repeat(7, int(tokens)), tokens)
	builder.crossEntropy(b.input(tokens*classes), tokens*classes)
	return &probe{&builder.tape, func(s *torch.Scope) *torch.Tensor {
		return torch.CrossEntropy(logits.In(s).AtLeastFloat32(), targets, nil, torch.ReduceSum)
	}, []*torch.Tensor{logits}}
}
