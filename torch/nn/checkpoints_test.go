package nn_test

import (
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// TestCheckpointsChangeNothing compares gradients to the bit, of parameters, of
// what enters several segments, and under dropout.
func TestCheckpointsChangeNothing(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	var layers []*nn.Linear
	for i := range 4 {
		layers = append(layers, nn.NewLinear(reg.Root().Index(i), 5, 5, true, nn.RoleNone))
	}
	fill(reg)
	tuned := layers[1].Weight.Tensor.SetRequiresGrad(true) // layer 0 lies below all that is tuned
	run := func(s *torch.Scope, c *nn.Checkpoints) (y, dw, dx *torch.Tensor) {
		torch.ManualSeed(4)
		x := torch.Normal(s, 0, 1, 1, torch.Float32, 3, 5)
		beside := torch.Normal(s, 0, 1, 2, torch.Float32, 3, 5).SetRequiresGrad(true)
		y = c.Segment(func(in ...*torch.Tensor) *torch.Tensor { return layers[0].Forward(in[0]) }, x)
		if y.RequiresGrad() {
			t.Error("a segment without anything to learn wants a gradient")
		}
		for _, l := range layers[1:] {
			y = c.Segment(func(in ...*torch.Tensor) *torch.Tensor {
				return l.Forward(in[0]).Tanh().Mul(in[1]).Dropout(0.3)
			}, y, beside)
		}
		y.Sum().Backward()
		c.Backward()
		dw, dx = tuned.Grad(s), beside.Grad(s)
		torch.ZeroGrad(tuned)
		return y, dw, dx
	}
	s := torch.NewScope()
	defer s.Close()
	y, dw, dx := run(s, nil)
	again := torch.Normal(s, 0, 1, 9, torch.Float32, 4).Dropout(0.5)
	gotY, gotDW, gotDX := run(s, &nn.Checkpoints{})
	if !gotY.Equal(y) || !gotDW.Equal(dw) || !gotDX.Equal(dx) {
		t.Error("results or gradients differ")
	}
	if !torch.Normal(s, 0, 1, 9, torch.Float32, 4).Dropout(0.5).Equal(again) {
		t.Error("the random numbers after the step differ")
	}
	// Nothing but the segments' results outlives the forward pass.
	alive := torch.LiveTensors()
	inner := s.NewScope()
	run(inner, &nn.Checkpoints{})
	inner.Close()
	if left := torch.LiveTensors() - alive; left != 0 {
		t.Errorf("%d tensors are left", left)
	}
}
