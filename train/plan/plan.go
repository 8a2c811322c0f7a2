// Package plan tells what a run would tune and what it would keep in memory,
// from a model's config.json alone.
package plan

import (
	"context"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/train"
)

// Options say what to plan.
type Options struct {
	Model  string // directory with a config.json, or an id of the Hub; weights need not be there
	Method string
	Params string // APET: a number of entries, or the method whose count is taken
	Tuning pet.Options
	Labels int    // classes of an encoder's new head
	DType  string // of the base: float32 or bfloat16
}

// Plan is what was found. Bytes leave out activations, which depend on the
// batch.
type Plan struct {
	Model          string          `json:"model"`
	Method         string          `json:"method"`
	Trainable      train.Trainable `json:"trainable"`
	BaseParameters int64           `json:"base_parameters"`
	Memory         Memory          `json:"memory_bytes"`
	// StepSeconds is the time of a step; nil, as nothing was measured.
	StepSeconds *float64 `json:"step_seconds"`
}

// Memory is what stays allocated during a run, in bytes.
type Memory struct {
	Weights   int64 `json:"weights"`   // of the model, head included
	Tuned     int64 `json:"tuned"`     // values, positions and base values kept beside the weights
	Gradients int64 `json:"gradients"` // of what is tuned
	Optimizer int64 `json:"optimizer"` // two moments, and master copies of a half-precision base
	Total     int64 `json:"total"`
}

// Make plans a run. Its errors are those that the run would have.
func Make(ctx context.Context, o Options) (*Plan, error) {
	dtype, err := torch.ParseDType(o.DType)
	if err != nil {
		return nil, err
	}
	method, err := pet.Lookup(o.Method)
	if err != nil {
		return nil, err
	}
	dir, err := train.FindConfig(ctx, o.Model)
	if err != nil {
		return nil, err
	}
	m, err := models.Declare(dir, models.Options{DType: dtype, Labels: make([]string, o.Labels)})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if o.Params != "" {
		if o.Tuning.K, err = pet.Budget(o.Params, m, o.Tuning); err != nil {
			return nil, err
		}
	}
	count, err := method.Count(m, o.Tuning)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Model: o.Model, Method: o.Method,
		Trainable:      train.Trainable{Method: count, Head: numEl(m.Head())},
		BaseParameters: numEl(m.Base()),
	}
	p.Memory = memory(m, o.Method, p.Trainable)
	return p, nil
}

func numEl(parameters []*nn.Parameter) int64 {
	var n int64
	for _, p := range parameters {
		n += p.NumEl()
	}
	return n
}
