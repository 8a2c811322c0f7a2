package data_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
)

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	writeShard(t, filepath.Join(dir, "train-00000-of-00002.parquet"),
		texts("text", "a", "bb", nil), classes("label", []string{"no", "yes"}, 0, 1, 1))
	writeShard(t, filepath.Join(dir, "train-00001-of-00002.parquet"),
		texts("text", "日本", "\xff\xfe\xfd\xfc\xfb"), classes("label", []string{"no", "yes"}, -1, 1))
	report, err := data.Inspect(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
	train := report.Splits[0]
	if train.Rows != 5 || train.Blocks != 2 || train.LargestBlock != 3 || len(train.Files) != 2 || len(train.Samples) != 3 {
		t.Errorf("report %+v", train)
	}
	want := []data.ColumnReport{
		{Name: "text", Kind: "string", Nulls: 1, InvalidUTF8: 1,
			Characters: &data.Quantiles{Min: 1, P10: 1, Median: 2, P90: 2, P99: 2, Max: 5}},
		{Name: "label", Kind: "int", Unknown: 1,
			Classes: []data.ClassReport{{Name: "no", Rows: 1}, {Name: "yes", Rows: 3}}},
	}
	if diff := cmp.Diff(want, train.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestInspectShowsNumbersThatJSONLacks(t *testing.T) {
	dir := t.TempDir()
	weight := column.Values{Schema: column.Schema{Name: "w", Kind: column.Float}, Floats: []float64{math.NaN(), 1, math.Inf(-1)}}
	writeShard(t, filepath.Join(dir, "test.parquet"), weight)
	report, err := data.Inspect(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
}

// The row counts and labels that the data's own description gives.
func TestInspectTheTasks(t *testing.T) {
	for name, want := range map[string][3]int64{
		"sst2": {6227, 692, 872}, "rotten_tomatoes": {7795, 867, 2000}, "imdb": {800, 200, 1000},
		"mnli": {7999, 1000, 1000}, "qnli": {8999, 1000, 5463}, "rte": {2240, 249, 277},
		"qqp": {7999, 1000, 1000}, "mrpc": {3300, 367, 408}, "nq_open": {2400, 500, 710},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := data.Inspect(context.Background(), sharedTask(t, name))
			if err != nil {
				t.Fatal(err)
			}
			for i, split := range report.Splits {
				if split.Name != data.SplitNames[i] || split.Rows != want[i] {
					t.Errorf("split %d is %s of %d rows, want %d", i, split.Name, split.Rows, want[i])
				}
				for _, c := range split.Columns {
					var labelled int64
					for _, class := range c.Classes {
						labelled += class.Rows
					}
					if c.Nulls != 0 || c.InvalidUTF8 != 0 || c.Unknown != 0 || c.Classes != nil && labelled != want[i] {
						t.Errorf("split %s: column %+v", split.Name, c)
					}
				}
			}
		})
	}
}

// sharedTask returns the directory of one of the tasks kept beside the
// repository.
func sharedTask(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the task's data is not beside this repository: %v", err)
	}
	return dir
}
