package main

import (
	"encoding/json"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(layerNorm{}) }

// layerNorm tunes the weights and biases of the layer norms and nothing else.
type layerNorm struct{}

func (layerNorm) Name() string { return "layernorm" }

func (layerNorm) Summary() string { return "weights and biases of the layer norms" }

func (layerNorm) LearningRate(int64) float64 { return 1e-2 }

func (layerNorm) Dropout() float64 { return 0 }

func (layerNorm) Count(m pet.Model, _ pet.Options) (int64, error) {
	return pet.CountEntries(pet.Stored(parameters(m))), nil
}

// parameters lists what the method tunes. T5's norms have no bias.
func parameters(m pet.Model) []*nn.Parameter {
	var list []*nn.Parameter
	for _, norm := range m.Registry().LayerNorms() {
		list = append(list, norm.Weight)
		if norm.Bias != nil {
			list = append(list, norm.Bias)
		}
	}
	return list
}

func (layerNorm) Attach(m pet.Model, _ pet.Options) (pet.Tuning, error) {
	return normTuning{pet.Free(parameters(m), true)}, nil
}

func (l layerNorm) Restore(m pet.Model, _ json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	t, err := l.Attach(m, pet.Options{})
	if err != nil {
		return nil, err
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, err
	}
	return t, nil
}

// normTuning is layerNorm at work on a model. What it tunes are whole
// parameters of the model's own, so pet.Own does all the work.
type normTuning struct{ *pet.Own }

func (normTuning) Config() any { return struct{}{} }
