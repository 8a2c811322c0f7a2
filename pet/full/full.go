// Package full tunes every parameter of the model.
package full

import (
	"encoding/json"
	"errors"

	"github.com/gopet-ml/gopet/pet"
)

func init() { pet.Register(method{}) }

type method struct{}

func (method) Name() string { return "full" }

func (method) Summary() string { return "every parameter of the model" }

func (method) LearningRate(int64) float64 { return 5e-5 }

func (method) Dropout() float64 { return -1 }

func (method) Count(m pet.Model, _ pet.Options) (int64, error) {
	return pet.CountEntries(pet.Stored(pet.Pretrained(m))), nil
}

func (method) Attach(m pet.Model, _ pet.Options) (pet.Tuning, error) {
	return &tuning{pet.Free(pet.Pretrained(m), false)}, nil
}

func (f method) Restore(m pet.Model, _ json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	t, err := f.Attach(m, pet.Options{})
	if err != nil {
		return nil, err
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, err
	}
	return t, nil
}

type tuning struct{ *pet.Own }

func (t *tuning) Config() any { return struct{}{} }

var _ pet.Merger = (*tuning)(nil)

// Merge has nothing to do: the weights are what was tuned.
func (t *tuning) Merge() error { return nil }

// Unmerge fails: full tuning keeps nothing of the base.
func (t *tuning) Unmerge() error {
	return errors.New("full tuning cannot be unmerged: load the base again")
}

// Exact is false: nothing of the base is left.
func (t *tuning) Exact() bool { return false }
