package t5

import (
	"math"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Model is a loaded T5; it implements [models.TextToText].
type Model struct {
	config   Config
	file     *models.Config
	registry *nn.Registry
	warnings []string

	shared           *nn.Embedding
	encoder, decoder *stack
	head             *nn.Linear
}

var _ models.TextToText = (*Model)(nil)

func init() {
	models.Register("t5", models.Family{
		Summary: "T5 1.0 and 1.1, flan and lm-adapt too: text by generation, labels by ranking their words",
		Load:    load, Declare: declare,
	})
}

// newModel declares every layer, in the order of transformers' parameters,
// over uninitialised memory.
func newModel(registry *nn.Registry, c Config, tied bool) *Model {
	m := &Model{config: c, registry: registry}
	root := registry.Root()
	m.shared = nn.NewEmbedding(root.Sub("shared"), c.VocabSize, c.ModelDim)
	m.encoder = newStack(root.Sub("encoder"), c, m.shared, c.Layers, false)
	m.decoder = newStack(root.Sub("decoder"), c, m.shared, c.DecoderLayers, true)
	if head := root.Sub("lm_head"); tied {
		m.head = nn.NewTiedLinear(head, m.shared.Weight, nn.RoleNone)
	} else {
		m.head = nn.NewLinear(head, c.ModelDim, c.VocabSize, false, nn.RoleNone)
	}
	return m
}

// tied reports whether the head shares the embedding table.
func (m *Model) tied() bool { return m.head.Weight == m.shared.Weight }

// Config is what the checkpoint's config.json says.
func (m *Model) Config() Config { return m.config }

// Registry lists the parameters and layers, in order.
func (m *Model) Registry() *nn.Registry { return m.registry }

// Base lists every parameter.
func (m *Model) Base() []*nn.Parameter { return m.registry.Parameters() }

// Head is nil: T5 has no classification head.
func (m *Model) Head() []*nn.Parameter { return nil }

// Warnings are remarks of loading, each one line.
func (m *Model) Warnings() []string { return m.warnings }

// MaxLength is math.MaxInt: distances are limited, positions are not.
func (m *Model) MaxLength() int { return math.MaxInt }

// StartID is the decoder's first input id.
func (m *Model) StartID() int64 { return *m.config.DecoderStartTokenID }

// SetDropout sets every dropout probability, in place of config.json's.
func (m *Model) SetDropout(p float64) {
	m.encoder.setDropout(p)
	m.decoder.setDropout(p)
}

// Close frees the parameters.
func (m *Model) Close() { m.registry.Close() }

// Embed returns the input of the encoder's first block, [rows, length, dim].
func (m *Model) Embed(in models.Input) *torch.Tensor {
	return m.encoder.embed(m.shared.Forward(in.IDs), in.Train)
}

// Encode returns the encoder's last hidden state, [rows, length, dim], from
// what Embed returned for the same input.
func (m *Model) Encode(embedded *torch.Tensor, in models.Input) *torch.Tensor {
	return m.encoder.encode(embedded, m.encoder.prompt.PrependMask(in.Mask), in.Train)
}

// Decode returns the logits, float32 [rows, length, vocabulary], of what
// follows each of the decoder's input ids, int64 [rows, length], given the
// encoder's last hidden state for in. ids may have n rows, one after another,
// for each row of in.
func (m *Model) Decode(ids, hidden *torch.Tensor, in models.Input) *torch.Tensor {
	x := m.decoder.embed(m.shared.Forward(ids), in.Train)
	x, _ = m.decoder.decode(x, m.source(hidden, in), nil, in.Train)
	return m.logits(x.Narrow(1, m.decoder.prompt.Len(), ids.Dim(1)))
}

// source is the encoder's last hidden state for in, as the decoder looks at it.
func (m *Model) source(hidden *torch.Tensor, in models.Input) source {
	return m.decoder.look(hidden, m.encoder.prompt.PrependMask(in.Mask))
}

// logits maps the decoder's last hidden state [..., dim] to [..., vocabulary]:
// float32, or float64 where the model is.
func (m *Model) logits(x *torch.Tensor) *torch.Tensor {
	if m.config.scales() {
		x = x.MulScalar(1 / math.Sqrt(float64(m.config.ModelDim)))
	}
	return m.head.Forward(x).AtLeastFloat32()
}
