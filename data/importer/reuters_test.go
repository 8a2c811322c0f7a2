package importer

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
)

// reutersDir returns the folder of the Reuters-21578 R8 files that the demo
// downloads.
func reutersDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.Getenv("GOPET_CACHE"), "data", "reuters-r8")
	if os.Getenv("GOPET_CACHE") == "" {
		t.Skip("GOPET_CACHE is not set: the Reuters files are not at hand (make demo downloads them)")
	}
	if _, err := os.Stat(filepath.Join(dir, "reuters-r8-train.tab")); err != nil {
		t.Skipf("the Reuters files are not at hand (make demo downloads them): %v", err)
	}
	return dir
}

func TestReuters(t *testing.T) {
	dir := reutersDir(t)
	out := filepath.Join(t.TempDir(), "r8")
	summary, err := Import(context.Background(), Options{
		Inputs: map[string][]string{
			data.Train: {filepath.Join(dir, "reuters-r8-train.tab")},
			data.Test:  {filepath.Join(dir, "reuters-r8-test.tab")},
		},
		Out: out, Validation: 0.1, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	topics := map[string]map[string]int64{}
	for _, s := range summary.Splits {
		counts[s.Name] = s.Rows
		topics[s.Name] = map[string]int64{}
		for _, l := range s.Labels {
			topics[s.Name][l.Name] = l.Rows
		}
	}
	if diff := cmp.Diff(map[string]int64{"train": 4936, "validation": 549, "test": 2189}, counts); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	// The topics' counts are those published with the R8 collection.
	wantTest := map[string]int64{"acq": 696, "crude": 121, "earn": 1083, "grain": 10, "interest": 81, "money-fx": 87, "ship": 36, "trade": 75}
	if diff := cmp.Diff(wantTest, topics["test"]); diff != "" {
		t.Errorf("test topics (-want +got):\n%s", diff)
	}
	wantTrain := map[string]int64{"acq": 1596, "crude": 253, "earn": 2840, "grain": 41, "interest": 190, "money-fx": 206, "ship": 108, "trade": 251}
	for topic, want := range wantTrain {
		if got := topics["train"][topic] + topics["validation"][topic]; got != want {
			t.Errorf("%d training documents of topic %s, want %d", got, topic, want)
		}
		if got := topics["validation"][topic]; 10*got < want-10 || 10*got > want+10 {
			t.Errorf("%d of %d documents of topic %s are for validation, want a tenth", got, want, topic)
		}
	}
	report, err := data.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range report.Splits() {
		if got := data.NumRows(split); got != counts[split.Name()] {
			t.Errorf("split %s reads %d rows, wrote %d", split.Name(), got, counts[split.Name()])
		}
	}
}
