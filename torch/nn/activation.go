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
var activations = map[string]func(*torch.Tensor) *torch.Tensor{
	"gelu":              (*torch.Tensor).GELU,
	"gelu_new":          (*torch.Tensor).GELUTanh,
	"gelu_fast":         (*torch.Tensor).GELUTanh,
	"gelu_pytorch_tanh": (*torch.Tensor).GELUTanh,
	"relu":              (*torch.Tensor).ReLU,
	"silu":              (*torch.Tensor).SiLU,
	"swish":             (*torch.Tensor).SiLU,
	"tanh":              (*torch.Tensor).Tanh,
}

// Activation returns the activation function with a name of transformers'.
func Activation(name string) (func(*torch.Tensor) *torch.Tensor, error) {
	if f, ok := activations[name]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("activation %q is not supported: want one of %s", name, strings.Join(ActivationNames(), ", "))
}

// ActivationNames lists the names that Activation knows.
func ActivationNames() []string { return slices.Sorted(maps.Keys(activations)) }
