package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// SetRequiresGrad marks a leaf as wanting a gradient, or not. It returns t.
func (t *Tensor) SetRequiresGrad(on bool) *Tensor {
	must(ctorch.SetRequiresGrad(t.h("requires_grad_"), on))
	return t
}

// RequiresGrad reports whether a gradient flows to t.
func (t *Tensor) RequiresGrad() bool {
	on, err := ctorch.RequiresGrad(t.h("requires_grad"))
	must(err)
	return on
}

// Backward computes the gradient of the scalar t for every leaf that requires
// one, adding to what the leaf already has.
func (t *Tensor) Backward() { must(ctorch.Backward(t.h("backward"), 0)) }

// BackwardWith is Backward from a tensor of any shape, given the gradient
// that flows into it.
func (t *Tensor) BackwardWith(gradient *Tensor) {
	must(ctorch.Backward(t.h("backward"), gradient.h("backward")))
}

// Grad returns the gradient of a leaf as a tensor of s, or nil when it has
// none.
func (t *Tensor) Grad(s *Scope) *Tensor {
	g := &Tensor{}
	must(ctorch.Grad(&g.handle, t.h("grad")))
	if g.handle == 0 {
		return nil
	}
	s.add(g)
	return g
}

// ZeroGrad drops the gradients of leaves.
func ZeroGrad(leaves ...*Tensor) { must(ctorch.ClearGrads(handles("zero_grad", leaves))) }
