// Package prompt tunes vectors before the encoder's embedded input (Lester et
// al., 2021, arXiv 2104.08691).
package prompt

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

// DefaultLength is the paper's number of vectors.
const DefaultLength = 100

// The tensors of an adapter file: [length, dim]. Only adapters of peft that
// prompt the decoder too have the second.
const (
	EncoderTensor = "prompt_embeddings"
	DecoderTensor = "decoder_prompt_embeddings"
)

var tensorNames = []string{EncoderTensor, DecoderTensor}

// Config is what an adapter's configuration says.
type Config struct {
	Length int64 `json:"length"`
}

type method struct{}

func (method) Name() string { return "prompt" }

func (method) Summary() string { return "vectors before the embedded input" }

// LearningRate is the paper's.
func (method) LearningRate(int64) float64 { return 3e-2 }

// Dropout is the paper's.
func (method) Dropout() float64 { return 0.1 }

func length(o pet.Options) int64 {
	if o.Prompt == 0 {
		return DefaultLength
	}
	return o.Prompt
}

// limited is a model that can read so much and no more.
type limited interface{ MaxLength() int }

// place is where the vectors go, once there is room for n of them beside a
// word and two special tokens.
func place(m pet.Model, n int64) (*nn.SoftPrompt, error) {
	prompts := m.Registry().SoftPrompts()
	if len(prompts) == 0 {
		return nil, fmt.Errorf("prompt: the model has no place for a prompt")
	}
	if n < 1 {
		return nil, fmt.Errorf("prompt: length %d: want 1 or more", n)
	}
	if l, ok := m.(limited); ok && n > int64(l.MaxLength()-3) {
		return nil, fmt.Errorf("prompt: %d vectors leave no room: the model reads %d positions in all", n, l.MaxLength())
	}
	return prompts[0], nil
}

func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	n := length(o)
	p, err := place(m, n)
	if err != nil {
		return 0, err
	}
	return n * p.Dim, nil
}

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	n := length(o)
	p, err := place(m, n)
	if err != nil {
		return nil, err
	}
	values, err := initial(p, n, o)
	if err != nil {
		return nil, err
	}
	t := &tuning{}
	t.put(m, p, EncoderTensor, values, n)
	return t, nil
}

// initial values: the embeddings of the first ids of the vocabulary, as the
// paper's code has it, or N(0, 0.1).
func initial(p *nn.SoftPrompt, n int64, o pet.Options) ([]float32, error) {
	switch o.Init {
	case "", "paper":
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(i) % p.Table.Weight.Tensor.Dim(0)
		}
		table := p.Table.Weight.Tensor.In(s)
		index := torch.FromSlice(s, ids, n).ToDevice(table.Device())
		return table.IndexSelect(0, index).ToDType(torch.Float32).ToDevice(torch.CPU).Float32s(), nil
	case "normal":
		return pet.Normal(pet.Random(o.Seed, EncoderTensor), n*p.Dim, 0.1), nil
	}
	return nil, fmt.Errorf("prompt: init %q: want paper (the first ids of the vocabulary) or normal", o.Init)
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("prompt: adapter configuration: %w", err)
	}
	if _, err := place(m, c.Length); err != nil {
		return nil, err
	}
	t := &tuning{}
	for i, p := range m.Registry().SoftPrompts() {
		if i == 0 || slices.Contains(tensors.Names(), tensorNames[i]) {
			t.put(m, p, tensorNames[i], make([]float32, c.Length*p.Dim), c.Length)
		}
	}
	if err := t.Load(tensors); err != nil {
		t.Detach()
		return nil, fmt.Errorf("prompt: %w", err)
	}
	return t, nil
}

type tuning struct {
	pet.Leaves
	places []*nn.SoftPrompt
}

func (t *tuning) put(m pet.Model, p *nn.SoftPrompt, name string, values []float32, n int64) {
	leaf := pet.NewLeaf(m, name, values, n, p.Dim)
	t.places, t.Leaves = append(t.places, p), append(t.Leaves, leaf)
	p.Vectors = leaf.Tensor
}

func (t *tuning) Config() any { return Config{Length: t.places[0].Len()} }

func (t *tuning) Detach() {
	for _, p := range t.places {
		p.Vectors = nil
	}
	t.Leaves.Close()
}
