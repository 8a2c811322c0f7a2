package nn_test

import (
	"fmt"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func Example() {
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	path := reg.Root().Sub("encoder").Index(0)
	linear := nn.NewLinear(path.Sub("output"), 3, 2, true, nn.FeedForward)
	nn.NewLayerNorm(path.Sub("LayerNorm"), 2, 1e-12)
	for _, p := range reg.Parameters() {
		p.Tensor.Fill(1)
		fmt.Println(p.Name, p.Tensor.Shape())
	}

	s := torch.NewScope()
	defer s.Close()
	x := torch.FromSlice(s, []float32{1, 2, 3}, 1, 3)
	fmt.Println(linear.Forward(x).Float32s())
	// Output:
	// encoder.0.output.weight [2 3]
	// encoder.0.output.bias [2]
	// encoder.0.LayerNorm.weight [2]
	// encoder.0.LayerNorm.bias [2]
	// [7 7]
}
