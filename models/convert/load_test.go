package convert_test

import (
	"path/filepath"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/models/convert"
	_ "github.com/gopet-ml/gopet/models/t5"
	"github.com/gopet-ml/gopet/torch"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// TestModelsLoadAlike loads what torch.save wrote, with its tied tensors under
// every name, and its conversions, and wants the same parameters.
func TestModelsLoadAlike(t *testing.T) {
	for _, name := range []string{"t5", "t5-untied", "bert"} {
		in := filepath.Join("testdata", name)
		want := fingerprint(t, in)
		for _, shardSize := range []int64{0, 6000} {
			out := filepath.Join(t.TempDir(), "out")
			if _, err := convert.Run(t.Context(), convert.Options{In: in, Out: out, ShardSize: shardSize}); err != nil {
				t.Fatal(err)
			}
			if got := fingerprint(t, out); got != want {
				t.Errorf("%s in shards of %d: fingerprint %s, want %s", name, shardSize, got, want)
			}
		}
	}
}

func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	torchtest.NoLeaks(t)
	model, err := models.Load(dir, models.Options{DType: torch.Float32, Device: torch.CPU})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	print, err := models.Fingerprint(model.Registry().Parameters())
	if err != nil {
		t.Fatal(err)
	}
	return print
}
