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
}

var _ pet.Merger = (*tuning)(nil)

func (t *tuning) add(m pet.Model, l *nn.Linear, a, b []float32) {
	leafA := pet.NewLeaf(m, l.Name+SuffixA, a, t.config.Rank, l.In)
	leafB := pet.NewLeaf(m, l.Name+SuffixB, b, l.Out, t.config.Rank)
	t.layers, t.Leaves = append(t.layers, l), append(t.Leaves, leafA, leafB)
	l.Override = t.override(l, leafA, leafB)
}

func (t *tuning) override(l *nn.Linear, a, b pet.Leaf) func(*torch.Tensor) *torch.Tensor {
	scale := t.config.scale()
	return func(x *torch.Tensor) *torch.Tensor {
		y := torch.Linear(x, l.Weight.Tensor, l.BiasTensor())
		// The thin product is scaled, not the wide one.
		thin := torch.Linear(x, a.As(x), nil).MulScalar(scale)
		return y.Add(torch.Linear(thin, b.As(x), nil))
	}
}

func (c Config) scale() float64 { return c.Alpha / float64(c.Rank) }

func (t *tuning) Config() any { return t.config }

func (t *tuning) Detach() {
	t.unhook()
	t.Leaves.Close()
}

func (t *tuning) unhook() {
	for _, l := range t.layers {
		l.Override = nil
	}
}

// Merge adds the products to the weights.
func (t *tuning) Merge() error {
	t.unhook()
	return t.shift(t.config.scale())
}

// Unmerge subtracts them again, which brings the weights back within rounding.
func (t *tuning) Unmerge() error { return t.shift(-t.config.scale()) }

// Exact is false: a sum of floats cannot be undone to the bit.
func (t *tuning) Exact() bool { return false }

func (t *tuning) shift(scale float64) error {
	return torch.Try(func() {
		for i, l := range t.layers {
			s := torch.NewScope(torch.NoGrad())
			a, b := t.Leaves[2*i].Tensor.In(s), t.Leaves[2*i+1].Tensor.In(s)
			update := b.MatMul(a).MulScalar(scale)
			l.Weight.Tensor.CopyFrom(l.Weight.Tensor.In(s).ToDType(update.DType()).Add(update))
			s.Close()
		}
	})
}
