package nn

import "github.com/gopet-ml/gopet/torch"

// Dropout zeroes elements with probability P while training.
type Dropout struct {
	P float64
}

// Forward returns x itself when not training or P is 0.
func (d Dropout) Forward(x *torch.Tensor, train bool) *torch.Tensor {
	if !d.on(train) {
		return x
	}
	return x.Dropout(d.P)
}

func (d Dropout) on(train bool) bool { return train && d.P != 0 }
