package bitfit

import (
	"errors"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

type tuning struct {
	places
	own   *pet.Own // places.biases
	added pet.Leaves
}

var _ pet.Merger = (*tuning)(nil)

// hook frees the model's biases and puts the added ones to work.
func hook(p places, added pet.Leaves) *tuning {
	t := &tuning{places: p, own: pet.Free(p.biases, true), added: added}
	for i, l := range p.linears {
		l.Tune = withBias(added[i])
	}
	for i, l := range p.norms {
		l.Tune = normWithBias(added[len(p.linears)+i])
	}
	return t
}

func (t *tuning) Params() []optim.Param { return append(t.own.Params(), t.added.Params()...) }

func (t *tuning) Count() int64 { return t.own.Count() + t.added.Count() }

func (t *tuning) Config() any { return struct{}{} }

func (t *tuning) Save(s *torch.Scope) []pet.NamedTensor {
	return append(t.own.Save(s), t.added.Save(s)...)
}

func (t *tuning) Load(tensors pet.Tensors) error {
	if err := t.own.Load(tensors); err != nil {
		return err
	}
	return t.added.Load(tensors)
}

func (t *tuning) Detach() {
	t.own.Detach()
	for _, l := range t.linears {
		l.Tune = nil
	}
	for _, l := range t.norms {
		l.Tune = nil
	}
	t.added.Close()
	t.places, t.added = places{}, nil
}

// Merge has nothing to do where the model has biases, and no place for them
// where it has none.
func (t *tuning) Merge() error {
	if len(t.added) > 0 {
		return errors.New("bitfit added biases that the model's files have no place for: they cannot be merged")
	}
	return nil
}

// Unmerge restores every bias.
func (t *tuning) Unmerge() error { return torch.Try(t.own.Restore) }

// Exact is true: the biases of the base are kept.
func (t *tuning) Exact() bool { return true }
