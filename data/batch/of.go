package batch

import (
	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
)

// Of makes one batch of rows in their order, for prediction: it needs the
// text columns and leaves the labels 0.
func Of(t *task.Task, encode Encoder, rows []data.Row, padID int32) (*Batch, error) {
	examples := make([]Example, len(rows))
	for i, row := range rows {
		first, second, err := t.Text(row)
		if err != nil {
			return nil, err
		}
		ids, types := encode(first, second)
		examples[i] = Example{IDs: ids, Types: types, Row: row.Number()}
	}
	return newBatch(examples, padID), nil
}
