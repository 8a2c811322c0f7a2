package train

import (
	"context"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
)

// unlabelled reports whether the first row of a split has the class -1, which
// benchmarks on the Hub, such as GLUE, give to rows whose labels they keep to
// themselves. What cannot be read is for others to report.
func unlabelled(ctx context.Context, split data.Split, t *task.Task) bool {
	if t.Generates() {
		return false
	}
	reader, err := data.NewReader(split, data.Order{Columns: []string{t.LabelColumn}}, 0)
	if err != nil {
		return false
	}
	row, err := reader.Next(ctx)
	return err == nil && row.Value(t.LabelColumn) == int64(-1)
}
