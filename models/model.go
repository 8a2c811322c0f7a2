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

// Model is what every family has: an encoder over one list of parameters, and
// what loading and saving it takes. What it answers with is a [Classifier]'s
// or a [TextToText]'s. The forward methods panic with *torch.Error, and only
// read the parameters: any number of goroutines may call them, each with a
// batch of its own.
type Model interface {
	// Registry lists the parameters and layers, in order.
	Registry() *nn.Registry
	// Base lists the pretrained parameters: all but the head's.
	Base() []*nn.Parameter
	// Head lists the parameters of the classification head; none without one.
	Head() []*nn.Parameter
	// MaxLength is the longest sequence that the model can read, soft prompt
	// included; math.MaxInt where nothing limits it.
	MaxLength() int

	// Embed returns the input of the encoder's first layer, [rows, length,
	// dim]; length counts the soft prompt, if there is one.
	Embed(in Input) *torch.Tensor
	// Encode returns the encoder's last hidden state, [rows, length, dim], from what
	// Embed returned for the same input.
	Encode(embedded *torch.Tensor, in Input) *torch.Tensor

	// SetDropout sets every dropout probability, in place of the checkpoint's.
	SetDropout(p float64)
	// Warnings are remarks of loading, each one line.
	Warnings() []string
	// Save writes a new Hugging Face directory, with copies of other files,
	// such as the [Companions] of the directory it was loaded from.
	Save(dir string, others ...string) error
	// Close frees the parameters.
	Close()
}

// Classifier is an encoder with, where it has labels, a classification head.
type Classifier interface {
	Model
	// Labels names the classes of the head in the order of the logits.
	Labels() []string
	// Classify returns the logits, float32 [rows, labels], from the last
	// hidden state: ClassifyPooled of Pooled.
	Classify(hidden *torch.Tensor, in Input) *torch.Tensor
	// Pooled is what the head reads of the last hidden state, [rows, dim].
	Pooled(hidden *torch.Tensor) *torch.Tensor
	// ClassifyPooled returns the logits from it; train turns dropout on.
	ClassifyPooled(pooled *torch.Tensor, train bool) *torch.Tensor
}

// TextToText is an encoder with a decoder that writes text.
type TextToText interface {
	Model
	// Decode returns the logits, float32 [rows, length, vocabulary], of what
	// follows each of the decoder's input ids, int64 [rows, length], given the
	// encoder's last hidden state for in. ids may have n rows, one after
	// another, for each row of in.
	Decode(ids, hidden *torch.Tensor, in Input) *torch.Tensor
	// StartID is the decoder's first input id.
	StartID() int64
	// Generate writes the ids that follow StartID for each row, the end's
	// included where it was reached.
	Generate(hidden *torch.Tensor, in Input, options GenerateOptions) [][]int64
}

// GenerateOptions say how text is generated, under transformers' names.
type GenerateOptions struct {
	MaxNewTokens  int     // at most so many ids a row
	NumBeams      int     // 0 or 1: greedy
	LengthPenalty float64 // exponent of the length that beams' scores are divided by; 0: 1
	EarlyStopping bool    // stop once there are NumBeams finished beams
}

// Labels names the classes of a model's head; nil without one.
func Labels(m Model) []string {
	if c, ok := m.(Classifier); ok {
		return c.Labels()
	}
	return nil
}

// Logits runs a whole Classifier: float32 [rows, labels].
func Logits(m Model, in Input) *torch.Tensor {
	return m.(Classifier).Classify(Hidden(m, in), in)
}

// Hidden is the encoder's last hidden state, [rows, length, dim].
func Hidden(m Model, in Input) *torch.Tensor {
	return m.Encode(m.Embed(in), in)
}
