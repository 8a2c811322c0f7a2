package models

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Input is a packed batch of token sequences: they lie one after another,
// without padding.
type Input struct {
	Scope   *torch.Scope // what is computed from the batch joins it
	IDs     []int64      // of all sequences
	Types   []int64      // their segments; nil for all 0
	Lengths []int64      // of each sequence, 1 at least
	Train   bool         // dropout is on
	// Checkpoints, when set, has layers computed again in the backward pass
	// instead of keeping what they computed.
	Checkpoints *nn.Checkpoints
}

// Rows makes an Input of single sequences.
func Rows(s *torch.Scope, rows ...[]int64) Input {
	in := Input{Scope: s}
	for _, row := range rows {
		in.IDs, in.Lengths = append(in.IDs, row...), append(in.Lengths, int64(len(row)))
	}
	return in
}

// Offsets are where the sequences of the given lengths begin, and where the
// last one ends.
func Offsets(lengths []int64) []int64 {
	offsets := make([]int64, len(lengths)+1)
	for i, n := range lengths {
		offsets[i+1] = offsets[i] + n
	}
	return offsets
}

// Tensor puts numbers, one for each token, on a device, as a member of the
// batch's scope.
func (in Input) Tensor(values []int64, device torch.Device) *torch.Tensor {
	return torch.FromSlice(in.Scope, values, int64(len(values))).ToDevice(device)
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

	// Embed returns the input of the encoder's first layer, [tokens, dim]. The
	// tokens of a soft prompt, if there is one, come before those of each row.
	Embed(in Input) *torch.Tensor
	// Encode returns the encoder's last hidden state, [tokens, dim], from what
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
	// Pooled is what the head reads of the last hidden state for in, [rows,
	// dim].
	Pooled(hidden *torch.Tensor, in Input) *torch.Tensor
	// ClassifyPooled returns the logits from it; train turns dropout on.
	ClassifyPooled(pooled *torch.Tensor, train bool) *torch.Tensor
}

// TextToText is an encoder with a decoder that writes text.
type TextToText interface {
	Model
	// Decode returns the decoder's last hidden state, [tokens, dim], for its
	// packed input ids of the given lengths, given the encoder's last hidden
	// state for in: a sequence for each of in's.
	Decode(ids, lengths []int64, hidden *torch.Tensor, in Input) *torch.Tensor
	// Logits returns the logits, float32 [..., vocabulary], of what follows
	// each of Decode's tokens [..., dim].
	Logits(state *torch.Tensor) *torch.Tensor
	// CrossEntropy is torch.CrossEntropy of Logits and targets, without
	// storing the logits where the head is frozen.
	CrossEntropy(state, targets *torch.Tensor, reduction torch.Reduction) *torch.Tensor
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

// Hidden is the encoder's last hidden state, [tokens, dim].
func Hidden(m Model, in Input) *torch.Tensor {
	return m.Encode(m.Embed(in), in)
}
