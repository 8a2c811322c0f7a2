package adapter

import (
	"maps"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// bottleneck is W_up f(W_down h + b_down) + b_up.
type bottleneck struct {
	down, downBias, up, upBias pet.Leaf
	activation                 func(*torch.Tensor) *torch.Tensor
}

// around is the bottleneck of h added to a residual, both [..., dim].
func (b bottleneck) around(h, residual *torch.Tensor) *torch.Tensor {
	narrow := b.activation(torch.Linear(h, b.down.As(h), b.downBias.As(h)))
	return residual.Add(torch.Linear(narrow, b.up.As(h), b.upBias.As(h)))
}

// activations are those that a bottleneck may have, under Hugging Face's names.
var activations = map[string]func(*torch.Tensor) *torch.Tensor{
	"gelu_new": (*torch.Tensor).GELUTanh,
	"gelu":     (*torch.Tensor).GELU,
	"relu":     (*torch.Tensor).ReLU,
	"silu":     (*torch.Tensor).SiLU,
	"swish":    (*torch.Tensor).SiLU,
	"tanh":     (*torch.Tensor).Tanh,
}

// Activations lists the names of the activations that a bottleneck may have.
func Activations() []string { return slices.Sorted(maps.Keys(activations)) }
