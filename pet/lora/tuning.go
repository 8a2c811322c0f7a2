package lora

import (
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

type tuning struct {
	pet.Leaves // A and B of each layer in turn
	config     Config
	layers     []*nn.Linear
	merged     bool
}

var _ pet.Merger = (*tuning)(nil)

// hook makes the layers compute with their matrices.
func hook(c Config, layers []*nn.Linear, leaves pet.Leaves) *tuning {
	t := &tuning{Leaves: leaves, config: c, layers: layers}
	for i, l := range layers {
		a, b := leaves[2*i], leaves[2*i+1]
		l.Tune = func(term *torch.LinearTerm, x *torch.Tensor) {
			term.A, term.B, term.Scale = a.As(x), b.As(x), c.scale()
		}
	}
	return t
}

func (c Config) scale() float64 { return c.Alpha / float64(c.Rank) }

func (t *tuning) Config() any { return t.config }

func (t *tuning) Detach() {
	if t.merged {
		t.shift(-t.config.scale())
	}
	t.unhook()
	t.Leaves.Close()
	t.Leaves, t.layers, t.merged = nil, nil, false
}

func (t *tuning) unhook() {
	for _, l := range t.layers {
		l.Tune = nil
	}
}

// Merge adds the products to the weights.
func (t *tuning) Merge() error { return t.setMerged(true, t.config.scale()) }

// Unmerge subtracts them again, which brings the weights back within rounding.
func (t *tuning) Unmerge() error { return t.setMerged(false, -t.config.scale()) }

// Exact is false: a sum of floats cannot be undone to the bit.
func (t *tuning) Exact() bool { return false }

func (t *tuning) setMerged(merged bool, scale float64) error {
	if t.merged == merged {
		return nil
	}
	return torch.Try(func() {
		t.unhook()
		t.shift(scale)
		t.merged = merged
	})
}

// shift adds the products, times scale, to the weights: each sum is made in
// float32 or better and rounded once, to the weight's dtype.
func (t *tuning) shift(scale float64) {
	for i, l := range t.layers {
		s := torch.NewScope(torch.NoGrad())
		a, b := t.Leaves[2*i].Tensor.In(s), t.Leaves[2*i+1].Tensor.In(s)
		update := b.MatMul(a).MulScalar(scale)
		l.Weight.Tensor.CopyFrom(l.Weight.Tensor.In(s).ToDType(update.DType()).Add(update))
		s.Close()
	}
}
