package torch_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

var reductions = map[string]torch.Reduction{"none": torch.ReduceNone, "mean": torch.ReduceMean, "sum": torch.ReduceSum}

// headCase is a hidden state, the weight of a head, and targets, every third
// of which is ignored.
type headCase struct{ hidden, weight, targets *torch.Tensor }

func newHeadCase(s *torch.Scope, dtype torch.DType, tokens, dim, classes int64) headCase {
	targets := make([]int64, tokens)
	for i := range targets {
		targets[i] = int64(i) * 7919 % classes
		if i%3 == 2 {
			targets[i] = -100
		}
	}
	draw := func(std float64, seed uint64, shape ...int64) *torch.Tensor {
		return torch.Normal(s, 0, std, seed, torch.Float32, shape...).ToDType(torch.BFloat16).ToDType(dtype)
	}
	return headCase{draw(1, 1, tokens, dim).Detach().SetRequiresGrad(true), draw(0.3, 2, classes, dim), torch.FromSlice(s, targets, tokens)}
}

// TestLinearCrossEntropy compares the loss and the gradient with
// torch.CrossEntropy over all logits in float64.
func TestLinearCrossEntropy(t *testing.T) {
	for _, c := range []struct{ tokens, dim, classes int64 }{
		{1, 1, 1}, {5, 7, 3}, {40, 24, 1000}, {33, 16, 90_001}, {0, 4, 5},
	} {
		for name, reduction := range reductions {
			for dtype, within := range map[torch.DType]float64{torch.Float32: 1e-5, torch.BFloat16: 0.03} {
				t.Run(fmt.Sprintf("%v %s %v", c, name, dtype), func(t *testing.T) {
					torchtest.NoLeaks(t)
					s := torch.NewScope()
					defer s.Close()
					x, want := newHeadCase(s, dtype, c.tokens, c.dim, c.classes), newHeadCase(s, torch.Float64, c.tokens, c.dim, c.classes)
					loss := torch.LinearCrossEntropy(x.hidden, x.weight, x.targets, reduction)
					reference := torch.CrossEntropy(torch.Linear(want.hidden, want.weight, nil), want.targets, nil, reduction)
					if loss.DType() != torch.Float32 {
						t.Errorf("the loss is %v", loss.DType())
					}
					if c.tokens == 0 && reduction == torch.ReduceMean {
						return // the mean of nothing is no number
					}
					cotangent := torch.Normal(s, 1, 1, 3, torch.Float64, loss.Shape()...)
					loss.BackwardWith(cotangent.ToDType(torch.Float32))
					reference.BackwardWith(cotangent)
					closeTo(t, "loss", loss, reference, within)
					closeTo(t, "gradient", x.hidden.Grad(s), want.hidden.Grad(s), within)
				})
			}
		}
	}
}

func TestLinearCrossEntropyWithoutTargets(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	hidden := torch.Ones(s, torch.Float32, 2, 3).SetRequiresGrad(true)
	loss := torch.LinearCrossEntropy(hidden, torch.Ones(s, torch.Float32, 4, 3), ints(s, []int64{2}, -100, -100), torch.ReduceSum)
	loss.Backward()
	if loss.Item() != 0 || hidden.Grad(s).Norm().Item() != 0 {
		t.Errorf("loss %v, gradient %v of ignored targets", loss.Item(), hidden.Grad(s).Float32s())
	}
}

// TestLinearCrossEntropyTellsNaN: a run must learn that its weights are no
// numbers any more.
func TestLinearCrossEntropyTellsNaN(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	hidden := torch.Ones(s, torch.Float32, 2, 3)
	weight, root := torch.Ones(s, torch.Float32, 40, 3), torch.Full(s, -1, torch.Float32, 1, 3).Sqrt()
	loss := torch.LinearCrossEntropy(hidden, torch.Cat(0, weight, root, weight), ints(s, []int64{2}, 3, 5), torch.ReduceMean)
	if value := loss.Item(); value == value {
		t.Errorf("loss %v of logits that are no numbers", value)
	}
}

// TestLinearCrossEntropyOfATunedHead: the weight's gradient takes libtorch's way.
func TestLinearCrossEntropyOfATunedHead(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	x, want := newHeadCase(s, torch.Float32, 9, 6, 11), newHeadCase(s, torch.Float32, 9, 6, 11)
	x.weight = x.weight.Detach().SetRequiresGrad(true)
	want.weight = want.weight.Detach().SetRequiresGrad(true)
	torch.LinearCrossEntropy(x.hidden, x.weight, x.targets, torch.ReduceMean).Backward()
	torch.CrossEntropy(torch.Linear(want.hidden, want.weight, nil), want.targets, nil, torch.ReduceMean).Backward()
	if !x.hidden.Grad(s).Equal(want.hidden.Grad(s)) || !x.weight.Grad(s).Equal(want.weight.Grad(s)) {
		t.Error("gradients differ from those of the composition")
	}
}

func TestLinearCrossEntropyIsTheSameOnAnyNumberOfThreads(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	threads := torch.NumThreads()
	defer torch.SetNumThreads(threads)
	var losses, gradients []*torch.Tensor
	for _, n := range []int{1, 2, 3} {
		torch.SetNumThreads(n)
		x := newHeadCase(s, torch.Float32, 70, 16, 90_001)
		loss := torch.LinearCrossEntropy(x.hidden, x.weight, x.targets, torch.ReduceNone)
		loss.Sum().Backward()
		losses, gradients = append(losses, loss), append(gradients, x.hidden.Grad(s))
	}
	for i := range losses {
		if !losses[i].Equal(losses[0]) || !gradients[i].Equal(gradients[0]) {
			t.Errorf("run %d differs from run 0", i)
		}
	}
}

// TestLinearCrossEntropyStoresNoLogits: all of them would take 1.6 GB.
func TestLinearCrossEntropyStoresNoLogits(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	x := newHeadCase(s, torch.Float32, 4000, 4, 100_000)
	before := status(t, "VmHWM")
	torch.LinearCrossEntropy(x.hidden, x.weight, x.targets, torch.ReduceMean).Backward()
	if grown := status(t, "VmHWM") - before; grown > 256<<20 {
		t.Errorf("peak memory grew by %d MB", grown>>20)
	}
}

func TestLinearCrossEntropyRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	hidden, weight := torch.Ones(s, torch.Float32, 2, 3), torch.Ones(s, torch.Float32, 5, 3)
	targets := ints(s, []int64{2}, 0, 4)
	for _, c := range []struct {
		name                    string
		want                    error
		hidden, weight, targets *torch.Tensor
	}{
		{"target beyond the classes", torch.ErrIndex, hidden, weight, ints(s, []int64{2}, 0, 5)},
		{"negative target", torch.ErrIndex, hidden, weight, ints(s, []int64{2}, 0, -1)},
		{"number of targets", torch.ErrValue, hidden, weight, ints(s, []int64{1}, 0)},
		{"width", torch.ErrValue, hidden, torch.Ones(s, torch.Float32, 5, 4), targets},
		{"three dimensions", torch.ErrValue, torch.Ones(s, torch.Float32, 1, 2, 3), weight, targets},
		{"dtype of targets", torch.ErrValue, hidden, weight, torch.Ones(s, torch.Float32, 2)},
		{"dtypes", torch.ErrValue, hidden, weight.ToDType(torch.BFloat16), targets},
	} {
		err := torch.Try(func() { torch.LinearCrossEntropy(c.hidden, c.weight, c.targets, torch.ReduceMean) })
		var typed *torch.Error
		if !errors.Is(err, c.want) || !errors.As(err, &typed) || typed.Op != "linear_cross_entropy" {
			t.Errorf("%s: %v, want the kind of %v", c.name, err, c.want)
		}
	}
}
