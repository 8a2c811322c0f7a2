package lora

import (
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/nn"
)

// targets lists the linear layers whose weights an expression names. Biases
// that a regular expression catches with them are passed over.
func targets(m pet.Model, expression string) ([]*nn.Linear, error) {
	parameters, err := pet.Targets(m, expression)
	if err != nil {
		return nil, fmt.Errorf("lora: %w", err)
	}
	var layers []*nn.Linear
	for _, p := range parameters {
		l := layerOf(m.Registry(), p)
		switch {
		case l != nil:
			layers = append(layers, l)
		case len(p.Tensor.Shape()) > 1:
			return nil, fmt.Errorf("lora: targets %q name %q, an embedding: name weights of linear layers, or all-linear", expression, p.Name)
		}
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("lora: targets %q name no linear layer, only %q", expression, parameters[0].Name)
	}
	return layers, nil
}

// layerOf is the layer whose weight p is; nil where p is an embedding's, a head
// tied to it or not, or no matrix.
func layerOf(r *nn.Registry, p *nn.Parameter) *nn.Linear {
	if slices.ContainsFunc(r.Embeddings(), func(e *nn.Embedding) bool { return e.Weight == p }) {
		return nil
	}
	i := slices.IndexFunc(r.Linears(), func(l *nn.Linear) bool { return l.Weight == p })
	if i < 0 {
		return nil
	}
	return r.Linears()[i]
}
