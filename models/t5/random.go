package t5

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Random writes a model of random weights, float32, as the new directory dir,
// with copies of others, such as a tokenizer's files. It is initialised as
// transformers initialises a T5 before pretraining; the seed alone decides the
// numbers. Fields of config that follow from others may be zero, as in
// config.json. Where the head does not share the table (TieWordEmbeddings is
// false) it has one of its own, as version 1.1 has.
func Random(dir string, config Config, seed uint64, others ...string) error {
	config, err := config.complete()
	if err != nil {
		return fmt.Errorf("random T5: %w", err)
	}
	file, err := config.file()
	if err != nil {
		return fmt.Errorf("random T5: %w", err)
	}
	m, err := build(config, config.ties(), torch.Float32, torch.CPU)
	if err != nil {
		return fmt.Errorf("random T5: %w", err)
	}
	defer m.Close()
	if err := torch.Try(func() { m.initialise(seed) }); err != nil {
		return fmt.Errorf("random T5: %w", err)
	}
	key := func(name string) string { return name }
	return models.WriteDirectory(dir, file, m.registry.Parameters(), key, others...)
}

// file is the content of config.json.
func (c Config) file() ([]byte, error) {
	return json.MarshalIndent(struct {
		Architectures []string `json:"architectures"`
		ModelType     string   `json:"model_type"`
		DType         string   `json:"torch_dtype"`
		Config
		Factor json.RawMessage `json:"initializer_factor"` // in place of Config's
	}{[]string{"T5ForConditionalGeneration"}, "t5", torch.Float32.String(), c, decimal(c.InitializerFactor)}, "", "  ")
}

// decimal writes 1 as 1.0: transformers refuses a whole number for a real one.
func decimal(x float64) json.RawMessage {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.RawMessage(text)
}

// initialise draws every weight from a normal distribution around 0 and sets
// the norms to the factor.
func (m *Model) initialise(seed uint64) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	seeds := rand.New(rand.NewPCG(seed, 0))
	for _, p := range m.registry.Parameters() {
		if std := m.config.std(p); std > 0 {
			p.Tensor.CopyFrom(torch.Normal(s, 0, std, seeds.Uint64(), torch.Float32, p.Tensor.Shape()...))
		} else {
			p.Tensor.Fill(m.config.InitializerFactor)
		}
	}
}

// std is the standard deviation of a new weight; 0 for norms.
func (c Config) std(p *nn.Parameter) float64 {
	inner := float64(c.Heads * c.HeadDim)
	for _, rule := range []struct {
		suffix   string
		variance float64
	}{
		{"norm.weight", 0},
		{sharedWeight, 1},
		{headWeight, 1},
		{".q.weight", 1 / float64(c.ModelDim*c.HeadDim)},
		{".o.weight", 1 / inner},
		{".wo.weight", 1 / float64(c.InnerDim)},
	} {
		if strings.HasSuffix(p.Name, rule.suffix) {
			return c.InitializerFactor * math.Sqrt(rule.variance)
		}
	}
	return c.InitializerFactor / math.Sqrt(float64(c.ModelDim))
}
