package optim_test

import (
	"fmt"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Fits y = w x to y = 3 x.
func Example() {
	w := torch.Zeros(nil, torch.Float32, 1).SetRequiresGrad(true)
	defer w.Close()
	optimizer := optim.NewAdamW([]optim.Param{{Name: "w", Leaf: w}}, optim.DefaultConfig())
	defer optimizer.Close()
	schedule := optim.Schedule{Kind: "linear", Warmup: 10, Steps: 200}
	for step := range schedule.Steps {
		s := torch.NewScope()
		x := torch.FromSlice(s, []float32{1, 2, 3}, 3)
		loss := x.Mul(w).Sub(x.MulScalar(3)).PowScalar(2).Mean()
		optimizer.ZeroGrad()
		loss.Backward()
		optimizer.Step(0.1 * schedule.Factor(step))
		s.Close()
	}
	fmt.Printf("%.1f\n", w.Float32s()[0])
	// Output: 3.0
}

func ExampleSchedule_Factor() {
	schedule := optim.Schedule{Kind: "linear", Warmup: 2, Steps: 6}
	for step := range schedule.Steps {
		fmt.Print(schedule.Factor(step), " ")
	}
	fmt.Println()
	// Output: 0 0.5 1 0.75 0.5 0.25
}
