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

// Pool reduces the last hidden state [tokens, dim] for in to one vector a row,
// [rows, dim]: float32, or float64 where the model is.
func (m *Model) Pool(hidden *torch.Tensor, in models.Input, pooling Pooling) *torch.Tensor {
	hidden = hidden.AtLeastFloat32()
	if pooling == PoolCLS {
		return m.first(hidden, in)
	}
	offsets := m.offsets(in)
	means := make([]*torch.Tensor, len(in.Lengths))
	for i := range means {
		means[i] = hidden.Narrow(0, offsets[i], offsets[i+1]-offsets[i]).MeanDim(false, 0)
	}
	return torch.Stack(0, means...)
}
