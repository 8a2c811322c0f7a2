package models

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Input is a batch of token sequences. What is computed from it joins the
// scope of IDs.
type Input struct {
	IDs   *torch.Tensor // int64 [rows, length], padded on the right
	Types *torch.Tensor // int64 [rows, length], segments; nil for all 0
	Mask  *torch.Tensor // bool [rows, length], true for real tokens; nil when nothing is padded
	Train bool          // dropout is on
}

// Model is an encoder with, where it has labels, a classification head. The
// forward methods panic with *torch.Error, and only read the parameters: any
// number of goroutines may call them, each with a batch of its own.
type Model interface {
	// Registry lists the parameters and layers, in order.
	Registry() *nn.Registry
	// Base lists the pretrained parameters: all but the head's.
	Base() []*nn.Parameter
	// Head lists the parameters of the classification head; none without one.
	Head() []*nn.Parameter
	// Labels names the classes of the head in the order of the logits.
	Labels() []string
	// MaxLength is the longest sequence that the model can read.
	MaxLength() int

	// Embed returns the input of the first layer, [rows, length, dim].
	Embed(in Input) *torch.Tensor
	// Encode returns the last hidden state, [rows, length, dim], from what
	// Embed returned for the same input.
	Encode(embedded *torch.Tensor, in Input) *torch.Tensor
	// Classify returns the logits, float32 [rows, labels], from the last
	// hidden state.
	Classify(hidden *torch.Tensor, in Input) *torch.Tensor

	// SetDropout sets every dropout probability, in place of the checkpoint's.
	SetDropout(p float64)
	// Warnings are remarks of loading, each one line.
	Warnings() []string
	// Save writes a new Hugging Face directory.
	Save(dir string) error
	// Close frees the parameters.
	Close()
}

// Logits runs the whole model: float32 [rows, labels].
func Logits(m Model, in Input) *torch.Tensor {
	return m.Classify(Hidden(m, in), in)
}

// Hidden is the last hidden state, [rows, length, dim].
func Hidden(m Model, in Input) *torch.Tensor {
	return m.Encode(m.Embed(in), in)
}
