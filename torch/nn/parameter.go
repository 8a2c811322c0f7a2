package nn

import "github.com/gopet-ml/gopet/torch"

// Parameter is a weight of a module. Its tensor belongs to no scope.
type Parameter struct {
	Name   string // its key in a Hugging Face checkpoint
	Tensor *torch.Tensor
}

// NumEl is the number of entries.
func (p *Parameter) NumEl() int64 { return p.Tensor.NumEl() }
