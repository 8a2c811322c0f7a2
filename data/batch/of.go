package batch

import "github.com/gopet-ml/gopet/data"

// Of makes one batch of rows in their order, for prediction with an encoder
// that needs no answer: HeadInput's or TextInput's.
func Of(encode Encoder, rows []data.Row) (*Batch, error) {
	examples := make([]Example, len(rows))
	for i, row := range rows {
		var err error
		if examples[i], err = encode(row); err != nil {
			return nil, err
		}
		examples[i].Row = row.Number()
	}
	return newBatch(examples), nil
}
