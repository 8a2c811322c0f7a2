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
	activation                 torch.Activation
}

// around is the bottleneck of h added to a residual, both [..., dim].
func (b bottleneck) around(h, residual *torch.Tensor) *torch.Tensor {
	up := torch.LinearTerm{Weight: b.up.As(h), Bias: b.upBias.As(h)}
	return torch.FusedLinear(h, torch.FusedLinearOptions{Activation: b.activation, Second: &up, Residual: residual},
		torch.LinearTerm{Weight: b.down.As(h), Bias: b.downBias.As(h)})
}

// activations are those that a bottleneck may have, under Hugging Face's names.
var activations = map[string]torch.Activation{
	"gelu_new": torch.ActivationTanhGELU,
	"gelu":     torch.ActivationGELU,
	"relu":     torch.ActivationReLU,
	"silu":     torch.ActivationSiLU,
	"swish":    torch.ActivationSiLU,
	"tanh":     torch.ActivationTanh,
}

// Activations lists the names of the activations that a bottleneck may have.
func Activations() []string { return slices.Sorted(maps.Keys(activations)) }
