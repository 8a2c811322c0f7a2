package plan

import (
	"fmt"

	"github.com/gopet-ml/gopet/models/t5"
)

// t5Step is a step of models/t5 that learns a text of so many tokens a row.
func t5Step(b *builder, m *t5.Model, s Shape) {
	stack := &t5Stack{builder: b, layersOf: newLayersOf(m.Registry()), config: m.Config()}
	c, rows, table := stack.config, int64(s.Rows), m.Registry().Embeddings()[0].Weight
	dim := c.ModelDim

	source := s.lengths(b.tuned.prompt)
	x := b.embedding(rows*int64(s.Length), dim, table)
	x = b.prepend(x, rows*int64(s.Length), rows, dim)
	for i := range c.Layers {
		path := fmt.Sprintf("encoder.block.%d.layer.", i)
		x = stack.self(path+"0", x, source, false)
		x = stack.feedForward(path+"1", x, sum(source))
	}
	hidden := b.rmsNorm(x, sum(source), dim, stack.norms["encoder.final_layer_norm.weight"])

	target := s.targets()
	tokens := sum(target)
	y := b.embedding(tokens, dim, table)
	for i := range c.DecoderLayers {
		path := fmt.Sprintf("decoder.block.%d.layer.", i)
		y = stack.self(path+"0", y, target, true)
		y = stack.cross(path+"1", y, target, hidden, source)
		y = stack.feedForward(path+"2", y, tokens)
	}
	y = b.rmsNorm(y, tokens, dim, stack.norms["decoder.final_layer_norm.weight"])
	logits := b.linear(y, tokens, stack.linears["lm_head"])
	b.crossEntropy(logits, tokens*c.VocabSize)
}

// crossEntropy keeps the logarithms of the probabilities, and passes through
// their gradient to that of the logits.
func (b *builder) crossEntropy(logits *value, elements int64) {
	o := &operation{inputs: []*value{logits}, kept: elements * float, scratch: elements * float}
	if b.element < float {
		o.kept += elements * float // the logits in float32
		o.scratch += elements * float
	}
	o.forward[lossElements] = float64(elements)
	b.add(o, float, false)
}

type t5Stack struct {
	*builder
	layersOf
	config t5.Config
}

func (s *t5Stack) self(path string, x *value, lengths []int64, causal bool) *value {
	inner, tokens, at := s.config.Heads*s.config.HeadDim, sum(lengths), path+".SelfAttention."
	normed := s.norm(path, x, tokens)
	qkv := s.fusedLinear(normed, tokens, fused{first: s.terms(s.layersOf, at+"q", at+"k", at+"v")})
	attended := s.attention([]*value{qkv}, lengths, lengths, s.config.Heads, inner, causal)
	return s.blockEnd(s.sublayers[path], fused{first: s.terms(s.layersOf, at+"o")}, attended, x, tokens)
}

func (s *t5Stack) cross(path string, x *value, lengths []int64, hidden *value, source []int64) *value {
	inner, tokens, at := s.config.Heads*s.config.HeadDim, sum(lengths), path+".EncDecAttention."
	keys := s.linear(hidden, sum(source), s.linears[at+"k"])
	values := s.linear(hidden, sum(source), s.linears[at+"v"])
	query := s.linear(s.norm(path, x, tokens), tokens, s.linears[at+"q"])
	attended := s.attention([]*value{query, keys, values}, lengths, source, s.config.Heads, inner, false)
	return s.blockEnd(s.sublayers[path], fused{first: s.terms(s.layersOf, at+"o")}, attended, x, tokens)
}

func (s *t5Stack) feedForward(path string, x *value, tokens int64) *value {
	at := path + ".DenseReluDense."
	out := s.term(s.linears[at+"wo"])
	f := fused{active: otherActivation, second: &out}
	if f.gated = s.linears[at+"wi_0"] != nil; f.gated {
		f.first = s.terms(s.layersOf, at+"wi_0", at+"wi_1")
	} else {
		f.first = s.terms(s.layersOf, at+"wi")
	}
	return s.blockEnd(s.sublayers[path], f, s.norm(path, x, tokens), x, tokens)
}

func (s *t5Stack) norm(path string, x *value, tokens int64) *value {
	return s.rmsNorm(x, tokens, s.config.ModelDim, s.norms[path+".layer_norm.weight"])
}
