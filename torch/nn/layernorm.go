package nn

import "github.com/gopet-ml/gopet/torch"

// LayerNorm normalises the last dimension, then scales and shifts it.
type LayerNorm struct {
	Weight, Bias *Parameter
	Eps          float64
	// Override, when set, computes the layer instead.
	Override func(x *torch.Tensor) *torch.Tensor
}

// NewLayerNorm declares path.weight and path.bias.
func NewLayerNorm(path Path, dim int64, eps float64) *LayerNorm {
	l := &LayerNorm{Eps: eps, Weight: path.NormParameter("weight", dim), Bias: path.NormParameter("bias", dim)}
	path.registry.layerNorms = append(path.registry.layerNorms, l)
	return l
}

// Forward keeps the shape [..., dim] of x.
func (l *LayerNorm) Forward(x *torch.Tensor) *torch.Tensor {
	if l.Override != nil {
		return l.Override(x)
	}
	return torch.LayerNorm(x, l.Weight.Tensor, l.Bias.Tensor, l.Eps)
}
