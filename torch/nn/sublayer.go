package nn

import "github.com/gopet-ml/gopet/torch"

// SublayerRole says which block of a transformer layer a Sublayer ends.
type SublayerRole int

// The blocks of a transformer layer.
const (
	SelfAttentionSublayer SublayerRole = iota
	CrossAttentionSublayer
	FeedForwardSublayer
)

// Sublayer is where the output of a block joins the residual stream: the sum
// of the two, normalised where the model normalises after it (BERT), as it is
// where it normalises before the block (T5).
type Sublayer struct {
	Name    string // the path of the module in Hugging Face's model
	Role    SublayerRole
	Dim     int64
	Dropout Dropout    // of the block's output
	Norm    *LayerNorm // of the sum; nil for none
	// Override, when set, joins the block's output, after dropout, with the
	// stream instead of Join. Both are [..., dim].
	Override func(output, stream *torch.Tensor) *torch.Tensor
}

// NewSublayer enters a sublayer under the module's path. Norm may be nil.
func NewSublayer(path Path, role SublayerRole, dim int64, dropout Dropout, norm *LayerNorm) *Sublayer {
	s := &Sublayer{Name: path.String(), Role: role, Dim: dim, Dropout: dropout, Norm: norm}
	path.registry.sublayers = append(path.registry.sublayers, s)
	return s
}

// Forward computes the last layers of a block over x and joins their output
// with the stream [..., dim]: in one pass where nothing stands between.
func (s *Sublayer) Forward(layers *Dense, x, stream *torch.Tensor, train bool) *torch.Tensor {
	if s.Override == nil && !s.Dropout.on(train) && (s.Norm == nil || s.Norm.Override == nil && !s.Norm.RMS) {
		o := torch.FusedLinearOptions{Residual: stream}
		if s.Norm != nil {
			o.NormWeight, o.NormBias = s.Norm.parameters(x)
			o.Eps = s.Norm.Eps
		}
		if y, ok := layers.fused(x, o, train); ok {
			return y
		}
	}
	output := s.Dropout.Forward(layers.Forward(x, train), train)
	if s.Override != nil {
		return s.Override(output, stream)
	}
	return s.Join(output, stream)
}

// Join is the sum of a block's output and the stream, both [..., dim],
// normalised where the model does.
func (s *Sublayer) Join(output, stream *torch.Tensor) *torch.Tensor {
	if s.Norm == nil {
		return output.Add(stream)
	}
	if s.Norm.RMS || s.Norm.Override != nil {
		return s.Norm.Forward(output.Add(stream))
	}
	weight, bias := s.Norm.parameters(stream)
	return torch.AddLayerNorm(output, stream, weight, bias, s.Norm.Eps)
}
