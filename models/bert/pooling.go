package bert

import (
	"fmt"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// Pooling says how a sequence becomes one vector.
type Pooling string

// The poolings of Pool.
const (
	PoolCLS  Pooling = "cls"  // the first token's last hidden state
	PoolMean Pooling = "mean" // the mean of the real tokens' last hidden states
)

// ParsePooling checks the name of a pooling.
func ParsePooling(name string) (Pooling, error) {
	switch p := Pooling(name); p {
	case PoolCLS, PoolMean:
		return p, nil
	}
	return "", fmt.Errorf("pooling %q: want cls or mean", name)
}

// Pool reduces the last hidden state [rows, length, dim] of in to one vector a
// row, [rows, dim]: float32, or float64 where the model is.
func Pool(hidden *torch.Tensor, in models.Input, pooling Pooling) *torch.Tensor {
	hidden = hidden.AtLeastFloat32()
	if pooling == PoolCLS {
		return hidden.Select(1, 0)
	}
	if in.Mask == nil {
		return hidden.MeanDim(false, 1)
	}
	real := in.Mask.Unsqueeze(2).ToDType(hidden.DType())
	return hidden.Mul(real).SumDim(false, 1).Div(real.SumDim(false, 1))
}
