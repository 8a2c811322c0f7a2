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
	// Override, when set, computes the layer instead.
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
	return torch.Linear(x, l.Weight.Tensor, l.BiasTensor())
}

// BiasTensor is the bias, or nil.
func (l *Linear) BiasTensor() *torch.Tensor {
	if l.Bias == nil {
		return nil
	}
	return l.Bias.Tensor
}
