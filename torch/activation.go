package torch

import (
	"fmt"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// Activation is an activation function that FusedLinear and GatedActivation know.
type Activation int32

// The activations.
const (
	Identity           Activation = 0
	ActivationGELU     Activation = 1 // x times the normal distribution function of x
	ActivationTanhGELU Activation = 2 // its tanh approximation, "gelu_new" in transformers
	ActivationReLU     Activation = 3
	ActivationSiLU     Activation = 4
	ActivationTanh     Activation = 5
)

// Apply is the function of every element of x.
func (a Activation) Apply(x *Tensor) *Tensor {
	switch a {
	case Identity:
		return x
	case ActivationGELU:
		return x.GELU()
	case ActivationTanhGELU:
		return x.GELUTanh()
	case ActivationReLU:
		return x.ReLU()
	case ActivationSiLU:
		return x.SiLU()
	case ActivationTanh:
		return x.Tanh()
	}
	panic(fmt.Sprintf("torch: activation %d is none", a))
}

// GatedActivation is a(gate) * x, element by element, for gate and x of one
// shape. It keeps these two alone for the backward pass.
func GatedActivation(gate, x *Tensor, a Activation) *Tensor {
	const op = "gated_activation"
	return result(scopeOf(op, gate, x), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.GatedActivation(out, mode, gate.h(op), x.h(op), int32(a))
	})
}

// GELU is t times the normal distribution function of t, exactly.
func (t *Tensor) GELU() *Tensor { return t.gelu(false) }

// GELUTanh is the tanh approximation of GELU, "gelu_new" in transformers.
func (t *Tensor) GELUTanh() *Tensor { return t.gelu(true) }

func (t *Tensor) gelu(tanh bool) *Tensor {
	return result(scopeOf("gelu", t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.GELU(out, mode, t.h("gelu"), tanh)
	})
}
