package nn

import (
	"slices"

	"github.com/gopet-ml/gopet/torch"
)

// Checkpoints lets a backward pass compute segments of a model again, so that
// the forward pass keeps only what enters them: memory for time, as
// torch.utils.checkpoint does. It serves one forward and one backward pass. A
// nil *Checkpoints keeps everything.
//
// Backward of the loss ends at the last segment; [Checkpoints.Backward] goes on
// from there.
type Checkpoints struct {
	segments []segment
}

type segment struct {
	f      func(inputs ...*torch.Tensor) *torch.Tensor
	inputs []*torch.Tensor
	output *torch.Tensor
	random *torch.Tensor // the generator's state before f
}

// Segment is f(inputs...), of which nothing but the result is kept. f has no
// other operands that belong to a scope.
func (c *Checkpoints) Segment(f func(inputs ...*torch.Tensor) *torch.Tensor, inputs ...*torch.Tensor) *torch.Tensor {
	if c == nil {
		return f(inputs...)
	}
	s := inputs[0].Scope()
	random := torch.RNGState(s)
	inside := s.NewScope()
	defer inside.Close()
	// Computed with gradients to learn whether any is wanted.
	y := f(enter(inside, inputs)...)
	output := inside.Keep(y.Detach())
	if y.RequiresGrad() {
		output.SetRequiresGrad(true)
		c.segments = append(c.segments, segment{f, inputs, output, random})
	}
	return output
}

// enter makes leaves of a segment's inputs.
func enter(s *torch.Scope, inputs []*torch.Tensor) []*torch.Tensor {
	inner := make([]*torch.Tensor, len(inputs))
	for i, x := range inputs {
		inner[i] = x.In(s).Detach()
		if x.RequiresGrad() {
			inner[i].SetRequiresGrad(true)
		}
	}
	return inner
}

// Backward takes the gradients of the segments' results back to what entered
// them and to the parameters, last segment first. Dropout repeats itself.
func (c *Checkpoints) Backward() {
	if c == nil || len(c.segments) == 0 {
		return
	}
	after := torch.RNGState(c.segments[0].output.Scope())
	entered := map[*torch.Tensor]int{} // the first segment that an input enters
	for i, g := range slices.Backward(c.segments) {
		for _, x := range g.inputs {
			entered[x] = i
		}
	}
	gradients := map[*torch.Tensor]*torch.Tensor{} // of inputs, so far
	for i, g := range slices.Backward(c.segments) {
		g.backward(gradients)
		for _, x := range g.inputs {
			if dx := gradients[x]; dx != nil && entered[x] == i {
				delete(gradients, x)
				x.BackwardWith(dx)
			}
		}
	}
	c.segments = nil
	torch.SetRNGState(after)
}

// backward adds the gradients of the segment's inputs.
func (g segment) backward(gradients map[*torch.Tensor]*torch.Tensor) {
	inside := g.output.Scope().NewScope()
	defer inside.Close()
	gradient := g.output.Grad(inside)
	if gradient == nil {
		return // the loss does not depend on it
	}
	torch.SetRNGState(g.random)
	inner := enter(inside, g.inputs)
	g.f(inner...).BackwardWith(gradient)
	for i, x := range g.inputs {
		dx := inner[i].Grad(inside)
		if dx == nil {
			continue
		}
		if sofar := gradients[x]; sofar != nil {
			dx = sofar.Add(dx)
		}
		gradients[x] = inside.Keep(dx)
	}
	torch.ZeroGrad(g.output)
}
