package t5

import (
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// Generate writes the ids that follow StartID for each row of the encoder's
// last hidden state for in, the end's included where it was reached: the same
// ids as transformers' generate without sampling. All rows go on together until
// the last has ended. Dropout is off, and nothing is recorded for a backward
// pass. Of ids with equal scores the first is taken greedily; among beams,
// those that torch.topk names first.
func (m *Model) Generate(hidden *torch.Tensor, in models.Input, options models.GenerateOptions) [][]int64 {
	s := hidden.Scope().NewScope(torch.NoGrad())
	defer s.Close()
	w := &writer{model: m, scope: s, device: hidden.Device(), source: m.source(hidden.In(s), in)}
	rows := len(in.Lengths)
	if options.NumBeams > 1 {
		return w.beamSearch(rows, options)
	}
	return w.greedy(rows, options.MaxNewTokens)
}

// writer is a decoder in the midst of its texts. It remembers the keys and
// values of all it has read, so that each step reads one id of each text.
type writer struct {
	model  *Model
	scope  *torch.Scope // of what outlives a step
	device torch.Device
	source source
	past   []pair // nil before the first step
}

// read goes on with an id for each text and returns, in the step's scope,
// which lies in the writer's, the logits of the ids that follow: float32
// [texts, vocabulary]. Where order is not nil, text i has been text order[i]
// until now.
func (w *writer) read(step *torch.Scope, ids, order []int64) *torch.Tensor {
	decoder := w.model.decoder
	tokens := w.model.shared.Forward(torch.FromSlice(step, ids, int64(len(ids))).ToDevice(w.device))
	if w.past == nil {
		tokens = decoder.prompt.Prepend(tokens, slices.Repeat([]int64{1}, len(ids)))
	}
	tokens = tokens.Reshape(int64(len(ids)), -1, tokens.Dim(-1))
	past := w.past
	if past != nil && order != nil {
		past = reorder(past, torch.FromSlice(step, order, int64(len(order))).ToDevice(w.device))
	}
	x, seen := decoder.step(tokens, w.source, past)
	w.keep(step, seen)
	return w.model.Logits(x.Select(1, -1))
}

// keep takes what the decoder has seen out of the step's scope, in place of
// what it had seen before.
func (w *writer) keep(step *torch.Scope, seen []pair) {
	for i, p := range seen {
		step.Keep(p.keys)
		step.Keep(p.values)
		if w.past != nil {
			w.past[i].keys.Close()
			w.past[i].values.Close()
		}
	}
	w.past = seen
}

func reorder(past []pair, order *torch.Tensor) []pair {
	ordered := make([]pair, len(past))
	for i, p := range past {
		ordered[i] = pair{p.keys.IndexSelect(0, order), p.values.IndexSelect(0, order)}
	}
	return ordered
}

// ends reports whether an id ends a text.
func (m *Model) ends(id int64) bool { return slices.Contains(m.config.EOSTokenID, id) }

// greedy takes the likeliest id at each step.
func (w *writer) greedy(rows, maxNewTokens int) [][]int64 {
	texts := make([][]int64, rows)
	ended := make([]bool, rows)
	last := slices.Repeat([]int64{w.model.StartID()}, rows)
	for range maxNewTokens {
		last = w.likeliest(last)
		for row, id := range last {
			if ended[row] {
				last[row] = w.model.config.PadTokenID
				continue
			}
			texts[row] = append(texts[row], id)
			ended[row] = w.model.ends(id)
		}
		if !slices.Contains(ended, false) {
			break
		}
	}
	return texts
}

func (w *writer) likeliest(ids []int64) []int64 {
	step := w.scope.NewScope()
	defer step.Close()
	return w.read(step, ids, nil).ArgMax(-1).Int64s()
}
