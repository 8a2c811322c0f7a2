package torch

import "fmt"

// Activation is an activation function that FusedLinear knows.
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
