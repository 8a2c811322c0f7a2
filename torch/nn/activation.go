package nn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/torch"
)

// activations are those of transformers' ACT2FN, by their names there.
// gelu_new, gelu_fast and gelu_pytorch_tanh are one function that
// transformers computes in three ways.
var activations = map[string]torch.Activation{
	"gelu":              torch.ActivationGELU,
	"gelu_new":          torch.ActivationTanhGELU,
	"gelu_fast":         torch.ActivationTanhGELU,
	"gelu_pytorch_tanh": torch.ActivationTanhGELU,
	"relu":              torch.ActivationReLU,
	"silu":              torch.ActivationSiLU,
	"swish":             torch.ActivationSiLU,
	"tanh":              torch.ActivationTanh,
}

// Activation returns the activation function with a name of transformers'.
func Activation(name string) (torch.Activation, error) {
	if f, ok := activations[name]; ok {
		return f, nil
	}
	return torch.Identity, fmt.Errorf("activation %q is not supported: want one of %s", name, strings.Join(ActivationNames(), ", "))
}

// ActivationNames lists the names that Activation knows.
func ActivationNames() []string { return slices.Sorted(maps.Keys(activations)) }
