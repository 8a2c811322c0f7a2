package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"slices"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/train"
)

// batches are the rows that all contenders compute.
type batches struct {
	rows  [][]batch.Example // of each batch
	made  []*batch.Batch
	padID int32
}

// madeUpTargets is how many tokens a made-up row's target has.
const madeUpTargets = 8

// readBatches takes rows of the data in a seeded order, or makes them up.
func readBatches(ctx context.Context, l *train.Learner, j job) (*batches, error) {
	examples := madeUp(l.Model, j)
	if j.Data != "" {
		var err error
		if examples, err = l.Examples(ctx, j.Batches*j.Rows, int64(j.Seed)); err != nil {
			return nil, err
		}
	}
	b := &batches{rows: slices.Collect(slices.Chunk(examples, j.Rows)), padID: l.Tokenizer.PadID()}
	for _, rows := range b.rows {
		b.made = append(b.made, batch.OfExamples(rows))
	}
	return b, nil
}

// madeUp is one batch of full rows with ids from all over the vocabulary.
func madeUp(m models.Model, j job) []batch.Example {
	vocabulary := m.Registry().Embeddings()[0].Weight.Tensor.Dim(0)
	next := int64(0)
	ids := func(n int) []int32 {
		list := make([]int32, n)
		for i := range list {
			next += 7919
			list[i] = int32(1 + next%(vocabulary-1)) // 0 is padding
		}
		return list
	}
	labels := max(len(models.Labels(m)), 1)
	examples := make([]batch.Example, j.Rows)
	for i := range examples {
		examples[i] = batch.Example{IDs: ids(j.Length), Types: make([]int32, j.Length), Label: int32(i % labels)}
		if _, ok := m.(models.TextToText); ok {
			examples[i].Target = ids(madeUpTargets)
		}
	}
	return examples
}

func (b *batches) batch(i int) *batch.Batch { return b.made[i] }

func (b *batches) sizes() []size {
	list := make([]size, len(b.made))
	for i, made := range b.made {
		list[i] = size{Rows: int64(made.Rows), Tokens: made.Tokens}
	}
	return list
}

// batchFile is what Python reads: rows without padding.
type batchFile struct {
	PadID   int32      `json:"pad_id"`
	Batches []fileRows `json:"batches"`
	Grouped []fileRows `json:"grouped"` // the same rows, put together by length
}

type fileRows struct {
	IDs     [][]int32 `json:"ids"`
	Types   [][]int32 `json:"types"`
	Labels  []int32   `json:"labels"`
	Targets [][]int32 `json:"targets"` // of text-to-text models
}

func (b *batches) write(path string) error {
	file := batchFile{PadID: b.padID}
	for _, rows := range b.rows {
		file.Batches = append(file.Batches, rowsFor(rows))
	}
	for rows := range slices.Chunk(groupedByLength(slices.Concat(b.rows...)), len(b.rows[0])) {
		file.Grouped = append(file.Grouped, rowsFor(rows))
	}
	data, err := json.Marshal(file)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// groupedByLength is transformers' group_by_length: of a number of batches the
// longest rows come first.
func groupedByLength(examples []batch.Example) []batch.Example {
	slices.SortStableFunc(examples, func(a, b batch.Example) int { return cmp.Compare(len(b.IDs), len(a.IDs)) })
	return examples
}

func rowsFor(examples []batch.Example) fileRows {
	var f fileRows
	for _, e := range examples {
		f.IDs, f.Types, f.Labels = append(f.IDs, e.IDs), append(f.Types, e.Types), append(f.Labels, e.Label)
		if len(e.Target) > 0 {
			f.Targets = append(f.Targets, e.Target)
		}
	}
	return f
}
