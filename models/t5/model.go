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

// Embed returns the input of the encoder's first block, [tokens, dim].
func (m *Model) Embed(in models.Input) *torch.Tensor {
	return m.encoder.embed(m.embed(in, in.IDs), in.Lengths, in.Train)
}

// embed looks up the ids of a batch, or of what the decoder reads for it.
func (m *Model) embed(in models.Input, ids []int64) *torch.Tensor {
	return m.shared.Forward(in.Tensor(ids, m.registry.Device()))
}

// Encode returns the encoder's last hidden state, [tokens, dim], from what
// Embed returned for the same input.
func (m *Model) Encode(embedded *torch.Tensor, in models.Input) *torch.Tensor {
	return m.encoder.encode(embedded, m.sourceOffsets(in), in)
}

// sourceOffsets are where the rows of in begin, the encoder's prompt included.
func (m *Model) sourceOffsets(in models.Input) []int64 {
	return models.Offsets(m.encoder.prompt.Lengths(in.Lengths))
}

// Decode returns the decoder's last hidden state, [tokens, dim], for its packed
// input ids of the given lengths, given the encoder's last hidden state for in.
func (m *Model) Decode(ids, lengths []int64, hidden *torch.Tensor, in models.Input) *torch.Tensor {
	x := m.decoder.embed(m.embed(in, ids), lengths, in.Train)
	offsets := models.Offsets(m.decoder.prompt.Lengths(lengths))
	x = m.decoder.decode(x, offsets, hidden, m.sourceOffsets(in), in)
	return m.decoder.prompt.Drop(x, lengths)
}

// Logits maps the decoder's last hidden state [..., dim] to [..., vocabulary]:
// float32, or float64 where the model is.
func (m *Model) Logits(state *torch.Tensor) *torch.Tensor {
	return m.head.Forward(m.scaled(state)).AtLeastFloat32()
}

// scaled is the decoder's last hidden state as the head reads it.
func (m *Model) scaled(state *torch.Tensor) *torch.Tensor {
	if m.config.scales() {
		return state.MulScalar(1 / math.Sqrt(float64(m.config.ModelDim)))
	}
	return state
}

// CrossEntropy is torch.CrossEntropy of Logits and targets. Where the head is as
// it was loaded, the logits are never stored.
func (m *Model) CrossEntropy(state, targets *torch.Tensor, reduction torch.Reduction) *torch.Tensor {
	if m.head.Untouched() {
		return torch.LinearCrossEntropy(m.scaled(state), m.head.Weight.Tensor, targets, reduction)
	}
	return torch.CrossEntropy(m.Logits(state), targets, nil, reduction)
}
