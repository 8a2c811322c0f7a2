package bert

import (
	"fmt"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Config is what BERT's config.json says, under the names it has there.
type Config struct {
	VocabSize             int64   `json:"vocab_size"`
	HiddenSize            int64   `json:"hidden_size"`
	Layers                int64   `json:"num_hidden_layers"`
	Heads                 int64   `json:"num_attention_heads"`
	IntermediateSize      int64   `json:"intermediate_size"`
	MaxPositionEmbeddings int64   `json:"max_position_embeddings"`
	TypeVocabSize         int64   `json:"type_vocab_size"`
	HiddenAct             string  `json:"hidden_act"`
	LayerNormEps          float64 `json:"layer_norm_eps"`
	InitializerRange      float64 `json:"initializer_range"` // standard deviation of a new head

	HiddenDropout     float64  `json:"hidden_dropout_prob"`
	AttentionDropout  float64  `json:"attention_probs_dropout_prob"`
	ClassifierDropout *float64 `json:"classifier_dropout"` // HiddenDropout when nil

	ID2Label map[int]string `json:"id2label"` // of the head, where the checkpoint has one

	Architectures         []string `json:"architectures"`
	PositionEmbeddingType string   `json:"position_embedding_type"`
	IsDecoder             bool     `json:"is_decoder"`
	AddCrossAttention     bool     `json:"add_cross_attention"`
}

// The largest size that is taken for meant: far above any model, and small
// enough that products of two don't overflow.
const maxSize = 1 << 24

// ParseConfig reads and checks a config.json. Fields that describe the
// architecture must be there; the others have transformers' defaults.
func ParseConfig(file *models.Config) (Config, error) {
	c := Config{
		TypeVocabSize:         2,
		HiddenAct:             "gelu",
		LayerNormEps:          1e-12,
		InitializerRange:      0.02,
		HiddenDropout:         0.1,
		AttentionDropout:      0.1,
		PositionEmbeddingType: "absolute",
	}
	if err := file.Decode(&c); err != nil {
		return Config{}, err
	}
	if c.ClassifierDropout == nil {
		c.ClassifierDropout = &c.HiddenDropout
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", file.Path, err)
	}
	return c, nil
}

func (c Config) check() error {
	for _, size := range []struct {
		name  string
		value int64
		max   int64
	}{
		{"vocab_size", c.VocabSize, maxSize},
		{"hidden_size", c.HiddenSize, maxSize},
		{"num_hidden_layers", c.Layers, 1000},
		{"num_attention_heads", c.Heads, maxSize},
		{"intermediate_size", c.IntermediateSize, maxSize},
		{"max_position_embeddings", c.MaxPositionEmbeddings, maxSize},
		{"type_vocab_size", c.TypeVocabSize, maxSize},
	} {
		if size.value == 0 {
			return fmt.Errorf("%s is missing or 0", size.name)
		}
		if size.value < 0 || size.value > size.max {
			return fmt.Errorf("%s is %d: want 1 to %d", size.name, size.value, size.max)
		}
	}
	if c.HiddenSize%c.Heads != 0 {
		return fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.HiddenSize, c.Heads)
	}
	if _, err := nn.Activation(c.HiddenAct); err != nil {
		return fmt.Errorf("hidden_act: %w", err)
	}
	if c.PositionEmbeddingType != "absolute" {
		return fmt.Errorf("position_embedding_type %q is not supported: want absolute", c.PositionEmbeddingType)
	}
	if c.IsDecoder || c.AddCrossAttention {
		return fmt.Errorf("a BERT decoder (is_decoder, add_cross_attention) is not supported: want an encoder")
	}
	return c.checkReals()
}

func (c Config) checkReals() error {
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"hidden_dropout_prob", c.HiddenDropout},
		{"attention_probs_dropout_prob", c.AttentionDropout},
		{"classifier_dropout", *c.ClassifierDropout},
	} {
		if p.value < 0 || p.value >= 1 {
			return fmt.Errorf("%s is %g: want 0 or more and below 1", p.name, p.value)
		}
	}
	if c.LayerNormEps <= 0 {
		return fmt.Errorf("layer_norm_eps is %g: want more than 0", c.LayerNormEps)
	}
	if c.InitializerRange < 0 {
		return fmt.Errorf("initializer_range is %g: want 0 or more", c.InitializerRange)
	}
	return nil
}

// labels names the n classes of the stored head, in order: as id2label does
// or, without it, as transformers does.
func (c Config) labels(n int64) ([]string, error) {
	for _, name := range c.Architectures {
		if name == "BertForTokenClassification" || name == "BertForMultipleChoice" {
			return nil, fmt.Errorf("the head of %s does not classify sequences", name)
		}
	}
	if c.ID2Label != nil && int64(len(c.ID2Label)) != n {
		return nil, fmt.Errorf("id2label names %d classes, but classifier.weight has %d", len(c.ID2Label), n)
	}
	labels := make([]string, n)
	for i := range labels {
		name, ok := c.ID2Label[i]
		if !ok && c.ID2Label != nil {
			return nil, fmt.Errorf("id2label does not name class %d", i)
		}
		if !ok {
			name = fmt.Sprintf("LABEL_%d", i)
		}
		labels[i] = name
	}
	return labels, nil
}
