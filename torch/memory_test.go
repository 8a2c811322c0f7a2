package torch_test

import (
	"runtime/debug"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// TestMemoryIsFlat makes and frees the tensors of 10,000 small training steps.
func TestMemoryIsFlat(t *testing.T) {
	torchtest.NoLeaks(t)
	weight := torch.Normal(nil, 0, 0.1, 1, torch.Float32, 32, 32)
	defer weight.Close()
	index := torch.FromSlice(nil, []int64{3, 70, 1000}, 3)
	defer index.Close()
	values := torch.Zeros(nil, torch.Float32, 3).SetRequiresGrad(true)
	defer values.Close()
	mask := torch.Mask{Index: index, Values: values}
	step := func() {
		s := torch.NewScope()
		defer s.Close()
		x := torch.Normal(s, 0, 1, 2, torch.Float32, 64, 32)
		torch.MaskedLinear(x, weight, nil, mask).GELU().Softmax(-1).Norm().Backward()
		inner := s.NewScope(torch.NoGrad())
		values.Grad(inner).Float32s()
		_ = torch.Try(func() { x.MatMul(x) }) // errors leak nothing either
		torch.ZeroGrad(values)
	}
	const steps = 10000
	live := torch.LiveTensors()
	var early int64
	for i := range steps {
		if i == steps/5 {
			debug.FreeOSMemory()
			early = status(t, "VmRSS")
		}
		step()
	}
	debug.FreeOSMemory()
	if now := torch.LiveTensors(); now != live {
		t.Errorf("%d live tensors, %d before", now, live)
	}
	// A tensor of a step takes 8 kB: one leaked in each step would be 64 MB.
	if grown := status(t, "VmRSS") - early; grown > 8<<20 {
		t.Errorf("resident memory grew by %d kB over %d steps", grown>>10, steps*4/5)
	}
}
