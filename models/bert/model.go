package bert

import (
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Model is a loaded BERT; it implements [models.Model].
type Model struct {
	config   Config
	file     *models.Config
	registry *nn.Registry
	warnings []string

	embeddings *embeddings
	layers     []*layer
	pooler     *nn.Linear // nil where the checkpoint has none
	head       *head      // nil where there are no labels
}

var _ models.Classifier = (*Model)(nil)

func init() {
	models.Register("bert", models.Family{
		Summary: "BERT encoders: labels by a classification head, embeddings",
		Load:    load, Declare: declare,
	})
}

// newModel declares every layer, in the order of transformers' parameters,
// over uninitialised memory.
func newModel(registry *nn.Registry, c Config, labels []string, pooler bool) *Model {
	m := &Model{config: c, registry: registry}
	root := registry.Root()
	path := root.Sub("bert")
	m.embeddings = newEmbeddings(path.Sub("embeddings"), c)
	for i := range int(c.Layers) {
		m.layers = append(m.layers, newLayer(path.Sub("encoder").Sub("layer").Index(i), c))
	}
	if pooler {
		m.pooler = nn.NewLinear(path.Sub("pooler").Sub("dense"), c.HiddenSize, c.HiddenSize, true, nn.RoleNone)
	}
	if len(labels) > 0 {
		m.head = newHead(root.Sub("classifier"), c, labels)
	}
	return m
}

// Config is what the checkpoint's config.json says.
func (m *Model) Config() Config { return m.config }

// Registry lists the parameters and layers, in order.
func (m *Model) Registry() *nn.Registry { return m.registry }

// Warnings are remarks of loading, each one line.
func (m *Model) Warnings() []string { return m.warnings }

// MaxLength is the number of position embeddings.
func (m *Model) MaxLength() int { return int(m.config.MaxPositionEmbeddings) }

// SetDropout sets every dropout probability, in place of config.json's.
func (m *Model) SetDropout(p float64) {
	m.embeddings.dropout.P = p
	for _, l := range m.layers {
		l.attention.Dropout.P, l.attentionEnd.Dropout.P, l.outputEnd.Dropout.P = p, p, p
	}
	if m.head != nil {
		m.head.dropout.P = p
	}
}

// Close frees the parameters.
func (m *Model) Close() { m.registry.Close() }

// Embed returns the input of the first layer, [tokens, dim].
func (m *Model) Embed(in models.Input) *torch.Tensor { return m.embeddings.forward(in) }

// Encode returns the last hidden state, [tokens, dim], from what Embed returned
// for the same input.
func (m *Model) Encode(embedded *torch.Tensor, in models.Input) *torch.Tensor {
	offsets := m.offsets(in)
	x := embedded
	for _, l := range m.layers {
		x = in.Checkpoints.Segment(func(x ...*torch.Tensor) *torch.Tensor { return l.forward(x[0], offsets, in.Train) }, x)
	}
	return x
}

// offsets are where the rows begin, the soft prompt included.
func (m *Model) offsets(in models.Input) []int64 {
	return models.Offsets(m.embeddings.prompt.Lengths(in.Lengths))
}
