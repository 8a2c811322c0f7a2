package nn

import "github.com/gopet-ml/gopet/torch"

// Role says what a linear layer does in its block, so that a tuning method
// can choose layers of any model family by their purpose.
type Role int

// The roles of linear layers. Those of heads and poolers are RoleNone.
const (
	RoleNone        Role = iota
	AttentionQuery       // of self-attention
	AttentionKey         // of self-attention
	AttentionValue       // of self-attention
	AttentionOutput      // of self-attention
	CrossAttention       // any projection of encoder-decoder attention
	FeedForward
)

// Linear is y = x W^T + b, W [out, in].
type Linear struct {
	Name         string     // the path of the module in Hugging Face's model
	Weight, Bias *Parameter // Bias is nil where there is none
	In, Out      int64
	Role         Role
	// Tune, when set, adds to the term that the layer computes what is tuned
	// in it: a mask, a low-rank update, a bias.
	Tune func(term *torch.LinearTerm, x *torch.Tensor)
	// Override, when set, computes the layer instead. What Tune can express
	// is faster there: an overridden layer is computed by itself.
	Override func(x *torch.Tensor) *torch.Tensor
}

// NewLinear declares path.weight and, with bias, path.bias.
func NewLinear(path Path, in, out int64, bias bool, role Role) *Linear {
	l := &Linear{Name: path.String(), In: in, Out: out, Role: role, Weight: path.Parameter("weight", out, in)}
	if bias {
		l.Bias = path.Parameter("bias", out)
	}
	path.registry.linears = append(path.registry.linears, l)
	return l
}

// NewTiedLinear enters a layer under path whose weight [out, in] is another
// module's, such as a head that shares the embedding table.
func NewTiedLinear(path Path, weight *Parameter, role Role) *Linear {
	shape := weight.Tensor.Shape()
	l := &Linear{Name: path.String(), In: shape[1], Out: shape[0], Role: role, Weight: weight}
	path.registry.linears = append(path.registry.linears, l)
	return l
}

// Forward maps x [..., in] to [..., out].
func (l *Linear) Forward(x *torch.Tensor) *torch.Tensor {
	if l.Override != nil {
		return l.Override(x)
	}
	return torch.FusedLinear(x, torch.FusedLinearOptions{}, l.term(x))
}

// Untouched reports whether the layer is its weight and bias alone: no method
// changes what it computes.
func (l *Linear) Untouched() bool { return l.Tune == nil && l.Override == nil }

// term is the layer over x, without an override.
func (l *Linear) term(x *torch.Tensor) torch.LinearTerm {
	t := torch.LinearTerm{Weight: l.Weight.Tensor, Bias: l.BiasTensor()}
	if l.Tune != nil {
		l.Tune(&t, x)
	}
	return t
}

// terms are layers over the same x; none where one of them is overridden.
func terms(x *torch.Tensor, layers ...*Linear) []torch.LinearTerm {
	var list []torch.LinearTerm
	for _, l := range layers {
		if l.Override != nil {
			return nil
		}
		list = append(list, l.term(x))
	}
	return list
}

// BiasTensor is the bias, or nil.
func (l *Linear) BiasTensor() *torch.Tensor {
	if l.Bias == nil {
		return nil
	}
	return l.Bias.Tensor
}
