package plan

import (
	"fmt"

	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/torch/nn"
)

// layersOf finds a model's layers by their names.
type layersOf struct {
	linears   map[string]*nn.Linear
	norms     map[string]*nn.LayerNorm
	sublayers map[string]*nn.Sublayer
	registry  *nn.Registry
}

func newLayersOf(r *nn.Registry) layersOf {
	l := layersOf{map[string]*nn.Linear{}, map[string]*nn.LayerNorm{}, map[string]*nn.Sublayer{}, r}
	for _, linear := range r.Linears() {
		l.linears[linear.Name] = linear
	}
	for _, norm := range r.LayerNorms() {
		l.norms[norm.Weight.Name] = norm
	}
	for _, s := range r.Sublayers() {
		l.sublayers[s.Name] = s
	}
	return l
}

func (l layersOf) parameter(name string) *nn.Parameter {
	p, _ := l.registry.Lookup(name)
	return p
}

// bertStep is a step of models/bert with a classification head.
func bertStep(b *builder, m *bert.Model, s Shape) {
	c, l := m.Config(), newLayersOf(m.Registry())
	dim, rows := c.HiddenSize, int64(s.Rows)
	lengths := s.lengths(b.tuned.prompt)
	tokens := sum(lengths)

	word := b.embedding(rows*int64(s.Length), dim, l.parameter("bert.embeddings.word_embeddings.weight"))
	x := b.prepend(word, rows*int64(s.Length), rows, dim)
	for _, table := range []string{"token_type_embeddings", "position_embeddings"} {
		x = b.sum(x, b.embedding(tokens, dim, l.parameter("bert.embeddings."+table+".weight")), tokens*dim)
	}
	x = b.layerNorm(x, tokens, dim, l.norms["bert.embeddings.LayerNorm.weight"])

	active := gelu
	if c.HiddenAct != "gelu" {
		active = otherActivation
	}
	for i := range c.Layers {
		path := fmt.Sprintf("bert.encoder.layer.%d.", i)
		x = b.bertLayer(l, path, x, lengths, c.Heads, dim, active)
	}

	pooled := b.gather(x, rows, dim)
	if m.HasPooler() {
		pooled = b.linear(pooled, rows, l.linears["bert.pooler.dense"])
		pooled = b.sum(pooled, pooled, rows*dim) // tanh is as large
	}
	if len(m.Head()) > 0 {
		b.linear(pooled, rows, l.linears["classifier"])
	}
}

func (b *builder) bertLayer(l layersOf, path string, x *value, lengths []int64, heads, dim int64, active activation) *value {
	self := path + "attention.self."
	tokens := sum(lengths)
	qkv := b.fusedLinear(x, tokens, fused{first: b.terms(l, self+"query", self+"key", self+"value")})
	attended := b.attention([]*value{qkv}, lengths, lengths, heads, dim, false)
	output := path + "attention.output"
	x = b.blockEnd(l.sublayers[output], fused{first: b.terms(l, output+".dense")}, attended, x, tokens)
	out := b.term(l.linears[path+"output.dense"])
	f := fused{first: b.terms(l, path+"intermediate.dense"), active: active, second: &out}
	return b.blockEnd(l.sublayers[path+"output"], f, x, x, tokens)
}

func (b *builder) terms(l layersOf, names ...string) []term {
	list := make([]term, len(names))
	for i, name := range names {
		list[i] = b.term(l.linears[name])
	}
	return list
}
