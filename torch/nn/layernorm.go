package nn

import "github.com/gopet-ml/gopet/torch"

// LayerNorm normalises the last dimension, then scales and, with a bias,
// shifts it. Where RMS is set it divides by the root mean square and does not
// centre: T5's layer norm (Zhang and Sennrich, 2019).
type LayerNorm struct {
	Weight, Bias *Parameter // Bias is nil where there is none
	Eps          float64
	RMS          bool
	// Tune, when set, returns what stands for the weight and the bias, which
	// it is given, for x; either bias may be nil.
	Tune func(weight, bias, x *torch.Tensor) (tunedWeight, tunedBias *torch.Tensor)
	// Override, when set, computes the layer instead.
	Override func(x *torch.Tensor) *torch.Tensor
}

// NewLayerNorm declares path.weight and path.bias.
func NewLayerNorm(path Path, dim int64, eps float64) *LayerNorm {
	return path.enterNorm(&LayerNorm{Eps: eps, Weight: path.NormParameter("weight", dim), Bias: path.NormParameter("bias", dim)})
}

// NewRMSNorm declares path.weight of a norm that does not centre.
func NewRMSNorm(path Path, dim int64, eps float64) *LayerNorm {
	return path.enterNorm(&LayerNorm{Eps: eps, RMS: true, Weight: path.NormParameter("weight", dim)})
}

func (p Path) enterNorm(l *LayerNorm) *LayerNorm {
	p.registry.layerNorms = append(p.registry.layerNorms, l)
	return l
}

// Forward keeps the shape [..., dim] of x.
func (l *LayerNorm) Forward(x *torch.Tensor) *torch.Tensor {
	if l.Override != nil {
		return l.Override(x)
	}
	weight, bias := l.parameters(x)
	return l.Normalize(x, weight, bias)
}

// Normalize is what Forward computes without an override, with a weight and a
// bias, or nil, in place of the layer's own.
func (l *LayerNorm) Normalize(x, weight, bias *torch.Tensor) *torch.Tensor {
	if !l.RMS {
		return torch.LayerNorm(x, weight, bias, l.Eps)
	}
	y := torch.RMSNorm(x, weight, l.Eps)
	if bias == nil {
		return y
	}
	return y.Add(bias)
}

// parameters are the weight and the bias, or nil, for x.
func (l *LayerNorm) parameters(x *torch.Tensor) (weight, bias *torch.Tensor) {
	weight, bias = l.Weight.Tensor, l.BiasTensor()
	if l.Tune != nil {
		return l.Tune(weight, bias, x)
	}
	return weight, bias
}

// BiasTensor is the bias, or nil.
func (l *LayerNorm) BiasTensor() *torch.Tensor {
	if l.Bias == nil {
		return nil
	}
	return l.Bias.Tensor
}
