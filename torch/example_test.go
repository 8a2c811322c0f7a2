package torch_test

import (
	"errors"
	"fmt"

	"github.com/gopet-ml/gopet/torch"
)

func Example() {
	s := torch.NewScope()
	defer s.Close()
	x := torch.FromSlice(s, []float32{1, 2, 3, 4}, 2, 2)
	y := x.MatMul(x).ReLU().Sum()
	fmt.Println(y.Item())
	// Output: 54
}

func ExampleTensor_Backward() {
	s := torch.NewScope()
	defer s.Close()
	x := torch.FromSlice(s, []float64{1, 2, 3}, 3).SetRequiresGrad(true)
	x.Mul(x).Sum().Backward()
	fmt.Println(x.Grad(s).Float64s())
	// Output: [2 4 6]
}

func ExampleTensor_In() {
	weight := torch.FromSlice(nil, []float32{3, 4}, 2) // belongs to no scope
	defer weight.Close()
	s := torch.NewScope()
	defer s.Close()
	fmt.Println(weight.In(s).Norm().Item())
	// Output: 5
}

func ExampleScope_Keep() {
	outer := torch.NewScope()
	defer outer.Close()
	step := outer.NewScope(torch.NoGrad())
	loss := step.Keep(torch.Full(step, 0.25, torch.Float32))
	step.Close()
	fmt.Println(loss.Item())
	// Output: 0.25
}

func ExampleTry() {
	s := torch.NewScope()
	defer s.Close()
	table := torch.Ones(s, torch.Float32, 10, 4)
	err := torch.Try(func() { torch.Embedding(table, torch.FromSlice(s, []int64{10}, 1)) })
	fmt.Println(err, errors.Is(err, torch.ErrIndex))
	// Output: torch: embedding: index out of range in self true
}

// Two of a frozen weight's six entries are tuned: they alone get a gradient.
func ExampleMaskedLinear() {
	s := torch.NewScope()
	defer s.Close()
	weight := torch.FromSlice(s, []float32{1, 2, 3, 4, 5, 6}, 3, 2)
	index := torch.FromSlice(s, []int64{1, 4}, 2)
	mask := torch.Mask{Index: index, Values: weight.Take(index).SetRequiresGrad(true)}
	x := torch.FromSlice(s, []float32{10, 1}, 1, 2)
	y := torch.MaskedLinear(x, weight, nil, mask)
	y.Sum().Backward()
	fmt.Println(y.Float32s(), mask.Values.Grad(s).Float32s())
	// Output: [12 34 56] [1 10]
}
