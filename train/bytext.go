package train

import (
	"math"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/train/metrics"
)

// byText answers with text. A task with labels is answered by ranking them:
// each label's score is the sum of the log-probabilities of its pieces and of
// the end of text. What the model writes of itself is scored beside it.
type byText struct {
	i      *Inference
	model  models.TextToText
	labels [][]int32 // tokens of each label, the end's included; nil where the task generates
	width  int       // tokens of the longest label
}

func newByText(i *Inference, m models.TextToText) *byText {
	t := &byText{i: i, model: m}
	if i.Task == nil || i.Task.Generates() {
		return t
	}
	for _, label := range i.Task.Labels {
		ids := i.encodeText(label, 0)
		t.labels = append(t.labels, ids)
		t.width = max(t.width, len(ids))
	}
	return t
}

func (t *byText) learn() batch.Encoder {
	return batch.ForText(t.i.Task, t.i.encodeText, t.i.maxLength, t.i.maxTarget)
}

func (t *byText) ask() batch.Encoder {
	return batch.TextInput(t.i.Task, t.i.encodeText, t.i.maxLength)
}

// loss sums the cross-entropies of the target tokens.
func (t *byText) loss(s *torch.Scope, b *batch.Batch, checkpoints *nn.Checkpoints) *torch.Tensor {
	in := input(s, b, true)
	in.Checkpoints = checkpoints
	return t.crossEntropy(in, models.Hidden(t.model, in), b.Targets, b.TargetLengths, torch.ReduceSum)
}

// weight is the number of target tokens, as transformers takes the mean.
func (t *byText) weight(b *batch.Batch) float64 { return float64(b.TargetTokens) }

// crossEntropy compares the decoder's logits with packed targets of the given
// lengths. Unreduced it is [targets].
func (t *byText) crossEntropy(in models.Input, hidden *torch.Tensor, targets, lengths []int64, reduction torch.Reduction) *torch.Tensor {
	state := t.model.Decode(shiftRight(targets, lengths, t.model.StartID()), lengths, hidden, in)
	return t.model.CrossEntropy(state, in.Tensor(targets, t.i.device), reduction)
}

// shiftRight makes the decoder's input of its targets: the start, then each
// row's targets but the last.
func shiftRight(targets, lengths []int64, start int64) []int64 {
	ids := make([]int64, 0, len(targets))
	for _, n := range lengths {
		ids = append(append(ids, start), targets[:n-1]...)
		targets = targets[n:]
	}
	return ids
}

func (t *byText) score(b *batch.Batch, scores *Scores) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	in := input(s, b, false)
	hidden := models.Hidden(t.model, in)
	loss := t.crossEntropy(in, hidden, b.Targets, b.TargetLengths, torch.ReduceSum)
	if math.IsNaN(loss.Item()) {
		return notANumber(b, 0)
	}
	scores.addLoss(loss.Item(), float64(b.TargetTokens))
	texts := t.generate(hidden, in)
	if t.labels == nil {
		for row, text := range texts {
			scores.Scorer.(*metrics.Generation).Add(text, b.References[row])
		}
		return nil
	}
	for row, ranks := range t.rank(s, in, hidden) {
		first, err := best(b, row, ranks)
		if err != nil {
			return err
		}
		scores.Scorer.(*metrics.LabelWords).Add(first, int(b.Labels[row]), texts[row])
	}
	return nil
}

func (t *byText) predict(b *batch.Batch) ([]Prediction, error) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	in := input(s, b, false)
	hidden := models.Hidden(t.model, in)
	predictions := make([]Prediction, b.Rows)
	if t.labels == nil {
		for row, text := range t.generate(hidden, in) {
			predictions[row].Text = &text
		}
		return predictions, nil
	}
	logits := t.firstLogits(s, in, hidden)
	for row, ranks := range t.rank(s, in, hidden) {
		first, err := best(b, row, ranks)
		if err != nil {
			return nil, err
		}
		predictions[row] = labelled(first, t.i.Task.Labels, softmax(ranks), logits[row])
	}
	return predictions, nil
}

// generate writes a text for each row.
func (t *byText) generate(hidden *torch.Tensor, in models.Input) []string {
	o := t.i.generate
	if t.labels != nil {
		o.MaxNewTokens = t.width + 1 // one more than any label: longer is wrong in any case
	}
	texts := make([]string, 0, len(in.Lengths))
	for _, row := range t.model.Generate(hidden, in, o) {
		ids := make([]int32, len(row))
		for j, id := range row {
			ids[j] = int32(id)
		}
		texts = append(texts, strings.TrimSpace(t.i.Tokenizer.Decode(ids, true)))
	}
	return texts
}

// rank returns the log-probability of each label, by row.
func (t *byText) rank(s *torch.Scope, in models.Input, hidden *torch.Tensor) [][]float64 {
	rows, labels := len(in.Lengths), len(t.labels)
	ranks := make([][]float64, rows)
	for row := range ranks {
		ranks[row] = make([]float64, labels)
	}
	for c, label := range t.labels {
		part := s.NewScope()
		targets := make([]int64, 0, rows*len(label))
		for range rows {
			for _, id := range label {
				targets = append(targets, int64(id))
			}
		}
		in.Scope = part
		losses := t.crossEntropy(in, hidden, targets, slices.Repeat([]int64{int64(len(label))}, rows), torch.ReduceNone)
		for row, loss := range losses.Reshape(int64(rows), int64(len(label))).SumDim(false, 1).Float64s() {
			ranks[row][c] = -loss
		}
		part.Close()
	}
	return ranks
}

// firstLogits are the logits, at the first decoding step, of the first piece
// of each label, by row.
func (t *byText) firstLogits(s *torch.Scope, in models.Input, hidden *torch.Tensor) [][]float32 {
	rows := len(in.Lengths)
	starts, ones := slices.Repeat([]int64{t.model.StartID()}, rows), slices.Repeat([]int64{1}, rows)
	pieces := make([]int64, len(t.labels))
	for c, label := range t.labels {
		pieces[c] = int64(label[0])
	}
	index := torch.FromSlice(s, pieces, int64(len(pieces))).ToDevice(t.i.device)
	first := t.model.Logits(t.model.Decode(starts, ones, hidden, in)).IndexSelect(1, index)
	return slices.Collect(slices.Chunk(first.Float32s(), len(t.labels)))
}

// softmax of log-probabilities: the labels' shares among themselves.
func softmax(ranks []float64) []float64 {
	top, sum := slices.Max(ranks), 0.0
	shares := make([]float64, len(ranks))
	for i, rank := range ranks {
		shares[i] = math.Exp(rank - top)
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}
