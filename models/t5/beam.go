package t5

import (
	"cmp"
	"math"
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// impossible is the score of a beam that is none: all beams of a row begin
// alike, so only the first counts.
const impossible = -1e9

// beam is one way to write a row's text.
type beam struct {
	ids    []int64
	score  float32 // log-probability; once ended, over a power of the length
	parent int64   // the beam of the step before that it goes on from
}

// beams is the search for one row's text.
type beams struct {
	running []beam // NumBeams of them, best first
	ended   []beam // at most as many, best first
	settled bool   // no running beam is expected to beat those that ended
}

// candidate is an id that may follow a beam, with the score of both.
type candidate struct {
	parent, id int64
	score      float32
}

// beamSearch follows the NumBeams likeliest ways to write each row, as
// transformers' generate does.
func (w *writer) beamSearch(rows int, o models.GenerateOptions) [][]int64 {
	if o.LengthPenalty == 0 {
		o.LengthPenalty = 1
	}
	search := make([]*beams, rows)
	for row := range search {
		search[row] = newBeams(o.NumBeams)
	}
	for length := 1; length <= o.MaxNewTokens; length++ {
		open := false
		for row, candidates := range w.candidates(search, length == 1) {
			search[row].extend(candidates, length, o, w.model.ends)
			open = open || !search[row].done(o)
		}
		if !open {
			break
		}
	}
	texts := make([][]int64, rows)
	for row, b := range search {
		texts[row] = b.best()
	}
	return texts
}

func newBeams(n int) *beams {
	b := &beams{running: make([]beam, n)}
	for i := range b.running[1:] {
		b.running[i+1].score = impossible
	}
	return b
}

// candidates reads the last id of every running beam and returns the best
// continuations of each row, best first: enough that NumBeams of them go on
// even where all others end.
func (w *writer) candidates(search []*beams, first bool) [][]candidate {
	step := w.scope.NewScope()
	defer step.Close()
	var ids, order []int64
	var scores []float32
	n := int64(len(search[0].running))
	for row, b := range search {
		for _, beam := range b.running {
			id := w.model.StartID()
			if !first {
				id = beam.ids[len(beam.ids)-1]
			}
			ids, scores = append(ids, id), append(scores, beam.score)
			order = append(order, int64(row)*n+beam.parent)
		}
	}
	sofar := torch.FromSlice(step, scores, int64(len(scores)), 1).ToDevice(w.device)
	total := w.read(step, ids, order).ToDType(torch.Float32).LogSoftmax(-1).Add(sofar)
	vocabulary := total.Dim(1)
	keep := min(n*int64(max(2, 1+len(w.model.config.EOSTokenID))), n*vocabulary)
	best, where := total.Reshape(int64(len(search)), n*vocabulary).TopK(keep, 1)
	values, indices := best.Float32s(), where.Int64s()

	found := make([][]candidate, len(search))
	for i, value := range values {
		row := i / int(keep)
		found[row] = append(found[row], candidate{indices[i] / vocabulary, indices[i] % vocabulary, value})
	}
	return found
}

// extend makes each candidate a beam of the given length: one that has ended,
// which it may only among the NumBeams best, or one that runs on.
func (b *beams) extend(candidates []candidate, length int, o models.GenerateOptions, ends func(int64) bool) {
	penalty := float32(math.Pow(float64(length), o.LengthPenalty))
	closed := b.done(o)
	before := b.running
	b.running = nil
	for rank, c := range candidates {
		next := beam{append(slices.Clone(before[c.parent].ids), c.id), c.score, c.parent}
		if end := ends(c.id) || length == o.MaxNewTokens; !end && len(b.running) < o.NumBeams {
			b.running = append(b.running, next)
		} else if end && rank < o.NumBeams && !closed {
			next.score /= penalty
			b.ended = append(b.ended, next)
		}
	}
	slices.SortStableFunc(b.ended, func(x, y beam) int { return -cmp.Compare(x.score, y.score) })
	b.ended = b.ended[:min(len(b.ended), o.NumBeams)]
	if len(b.ended) == o.NumBeams && len(b.running) > 0 {
		b.settled = b.settled || b.running[0].score/penalty <= b.ended[o.NumBeams-1].score
	}
}

// done reports whether no text can be added to those that ended.
func (b *beams) done(o models.GenerateOptions) bool {
	return b.settled || o.EarlyStopping && len(b.ended) == o.NumBeams
}

// best is the text of the best beam that ended; where none was asked to write
// anything, it is empty.
func (b *beams) best() []int64 {
	if len(b.ended) == 0 {
		return nil
	}
	return b.ended[0].ids
}
