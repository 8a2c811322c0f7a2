package bert

import (
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// head is the classifier over the representation of a whole sequence.
type head struct {
	linear  *nn.Linear
	dropout nn.Dropout
	labels  []string
}

func newHead(path nn.Path, c Config, labels []string) *head {
	return &head{
		linear:  nn.NewLinear(path, c.HiddenSize, int64(len(labels)), true, nn.RoleNone),
		dropout: nn.Dropout{P: *c.ClassifierDropout},
		labels:  labels,
	}
}

// initialise draws the weights of a new head from N(0, std) and zeroes the
// bias, as transformers does. The seed alone decides the numbers.
func (h *head) initialise(std float64, seed uint64) error {
	return torch.Try(func() {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		h.linear.Weight.Tensor.CopyFrom(torch.Normal(s, 0, std, seed, torch.Float32, h.linear.Out, h.linear.In))
		h.linear.Bias.Tensor.Fill(0)
	})
}

func (h *head) parameters() []*nn.Parameter {
	return []*nn.Parameter{h.linear.Weight, h.linear.Bias}
}

// Labels names the classes in the order of the logits; none without a head.
func (m *Model) Labels() []string {
	if m.head == nil {
		return nil
	}
	return m.head.labels
}

// Head lists classifier.weight and classifier.bias; none without a head.
func (m *Model) Head() []*nn.Parameter {
	if m.head == nil {
		return nil
	}
	return m.head.parameters()
}

// Base lists every parameter but the head's.
func (m *Model) Base() []*nn.Parameter {
	all := m.registry.Parameters()
	return all[:len(all)-len(m.Head())]
}

// HasPooler reports whether the checkpoint has a pooler before its head.
func (m *Model) HasPooler() bool { return m.pooler != nil }

// Pooled is what the head reads, [rows, dim]: the pooler's output or, in a
// model without pooler, the last hidden state of the first token.
func (m *Model) Pooled(hidden *torch.Tensor, in models.Input) *torch.Tensor {
	first := m.first(hidden, in)
	if m.pooler == nil {
		return first
	}
	return m.pooler.Forward(first).Tanh()
}

// first is the last hidden state of each row's first token, [rows, dim].
func (m *Model) first(hidden *torch.Tensor, in models.Input) *torch.Tensor {
	return hidden.IndexSelect(0, in.Tensor(m.offsets(in)[:len(in.Lengths)], hidden.Device()))
}

// Classify returns the logits, [rows, labels], from the last hidden state:
// float32, or float64 where the model is.
func (m *Model) Classify(hidden *torch.Tensor, in models.Input) *torch.Tensor {
	return m.ClassifyPooled(m.Pooled(hidden, in), in.Train)
}

// ClassifyPooled is Classify from what Pooled returned, [rows, dim].
func (m *Model) ClassifyPooled(pooled *torch.Tensor, train bool) *torch.Tensor {
	if m.head == nil {
		panic("bert: Classify without a head: load the model with labels")
	}
	return m.head.linear.Forward(m.head.dropout.Forward(pooled, train)).AtLeastFloat32()
}
