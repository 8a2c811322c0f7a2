package train

import (
	"context"
	"errors"
	"io"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
)

// classWeights are rows / (classes * rows of the class), scikit-learn's
// "balanced": every class then weighs the same in all. A class without rows
// weighs 0.
func classWeights(ctx context.Context, split data.Split, t *task.Task) ([]float32, error) {
	reader, err := data.NewReader(split, data.Order{Columns: []string{t.LabelColumn}}, 0)
	if err != nil {
		return nil, err
	}
	counts := make([]int64, len(t.Labels))
	for {
		row, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		label, err := t.Label(row)
		if err != nil {
			return nil, err
		}
		counts[label]++
	}
	weights := make([]float32, len(counts))
	for i, n := range counts {
		if n > 0 {
			weights[i] = float32(data.NumRows(split)) / float32(int64(len(counts))*n)
		}
	}
	return weights, nil
}
