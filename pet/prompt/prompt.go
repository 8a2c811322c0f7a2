// Package prompt tunes vectors before the encoder's embedded input (Lester et
// al., 2021, arXiv 2104.08691). The vectors count as tokens: where a model has
// position embeddings they take the first, and BERT's head reads the first of
// them, as it does under peft and OpenDelta.
//
// 100 vectors that start as the embeddings of the vocabulary's first ids are
// the settings of arXiv 2306.02320.
package prompt

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func init() { pet.Register(method{}) }

// DefaultLength is the number of vectors where none is given.
const DefaultLength = 100

// Std is the standard deviation of vectors that start at random.
const Std = 0.1

// The tensors of an adapter file: [length, dim]. Only adapters of peft that
// prompt the decoder too have the second.
const (
	EncoderTensor = "prompt_embeddings"
	DecoderTensor = "decoder_prompt_embeddings"
)

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

// limited is a model that can read so many tokens and no more.
type limited interface{ MaxLength() int }

// words is how many tokens must fit behind a prompt: one, between two special
// ones.
const words = 3

// places lists where a model takes prompts, the encoder's first, once there is
// room for n vectors.
func places(m pet.Model, n int64) ([]*nn.SoftPrompt, error) {
	if err := pet.CheckSize("length", n); err != nil {
		return nil, fmt.Errorf("prompt: %w", err)
	}
	if l, ok := m.(limited); ok && n > int64(l.MaxLength())-words {
		return nil, fmt.Errorf("prompt: %d vectors leave no room for words: the model reads %d tokens, the vectors counted; take at most %d",
			n, l.MaxLength(), l.MaxLength()-words)
	}
	list := m.Registry().SoftPrompts()
	if len(list) == 0 {
		return nil, errors.New("prompt: the model has no place for a prompt")
	}
	return list, nil
}

// added describes a prompt of n vectors.
func added(name string, n int64, p *nn.SoftPrompt, draw pet.Draw) pet.TensorSpec {
	return pet.TensorSpec{Name: name, Shape: []int64{n, p.Dim}, Draw: draw}
}

// plan is what the options of a user come to: a prompt of the encoder alone.
func plan(m pet.Model, o pet.Options) (*nn.SoftPrompt, pet.TensorSpec, error) {
	n := o.Prompt
	if n == 0 {
		n = DefaultLength
	}
	list, err := places(m, n)
	if err != nil {
		return nil, pet.TensorSpec{}, err
	}
	switch o.Init {
	case "", "paper":
		return list[0], added(EncoderTensor, n, list[0], nil), nil
	case "normal":
		return list[0], added(EncoderTensor, n, list[0], pet.Normal(Std)), nil
	}
	return nil, pet.TensorSpec{}, fmt.Errorf("prompt: init %q: want paper (the first ids of the vocabulary) or normal (N(0, %g))", o.Init, Std)
}

func (method) Count(m pet.Model, o pet.Options) (int64, error) {
	_, prompt, err := plan(m, o)
	if err != nil {
		return 0, err
	}
	return pet.CountEntries([]pet.TensorSpec{prompt}), nil
}

func (method) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	p, prompt, err := plan(m, o)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.NewLeaves(m, o.Seed, []pet.TensorSpec{prompt})
	if err != nil {
		return nil, err
	}
	if prompt.Draw == nil {
		copyVocabulary(leaves[0].Tensor, p.Table.Weight.Tensor)
	}
	return hook([]*nn.SoftPrompt{p}, leaves), nil
}

// copyVocabulary fills vectors [n, dim] with the first rows of a table, from
// its beginning again where it has less than n.
func copyVocabulary(vectors, table *torch.Tensor) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	ids := make([]int64, vectors.Dim(0))
	for i := range ids {
		ids[i] = int64(i) % table.Dim(0)
	}
	index := torch.FromSlice(s, ids, int64(len(ids))).ToDevice(table.Device())
	vectors.CopyFrom(table.IndexSelect(0, index))
}

// stored is what an adapter holds: the encoder's prompt and perhaps the
// decoder's.
func stored(m pet.Model, raw json.RawMessage, tensors pet.Tensors) ([]*nn.SoftPrompt, []pet.TensorSpec, error) {
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, nil, fmt.Errorf("prompt: adapter configuration: %w", err)
	}
	list, err := places(m, c.Length)
	if err != nil {
		return nil, nil, err
	}
	prompts := []pet.TensorSpec{added(EncoderTensor, c.Length, list[0], nil)}
	if len(list) > 1 && slices.Contains(tensors.Names(), DecoderTensor) {
		return list[:2], append(prompts, added(DecoderTensor, c.Length, list[1], nil)), nil
	}
	return list[:1], prompts, nil
}

func (method) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	list, prompts, err := stored(m, raw, tensors)
	if err != nil {
		return nil, err
	}
	leaves, err := pet.ReadLeaves(m, tensors, prompts)
	if err != nil {
		return nil, fmt.Errorf("prompt: %w", err)
	}
	return hook(list, leaves), nil
}

type tuning struct {
	pet.Leaves // one of each place
	places     []*nn.SoftPrompt
}

func hook(places []*nn.SoftPrompt, leaves pet.Leaves) *tuning {
	for i, p := range places {
		p.Vectors = leaves[i].Tensor
	}
	return &tuning{Leaves: leaves, places: places}
}

func (t *tuning) Config() any { return Config{Length: t.places[0].Len()} }

func (t *tuning) Detach() {
	for _, p := range t.places {
		p.Vectors = nil
	}
	t.Leaves.Close()
	t.Leaves, t.places = nil, nil
}
