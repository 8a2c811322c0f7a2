package models

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// parameterFor makes one parameter with the shape of a checkpoint's tensor.
func parameterFor(t *testing.T, c *checkpoint.Checkpoint, key string, dtype torch.DType) (*nn.Parameter, map[string]string) {
	t.Helper()
	registry := nn.NewRegistry(dtype, torch.CPU)
	t.Cleanup(registry.Close)
	info, _ := c.Info(key)
	return registry.Root().Parameter("weight", info.Shape...), map[string]string{"weight": key}
}

func openWeights(t *testing.T, path string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.OpenWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func bytesOf(t *testing.T, c *checkpoint.Checkpoint, key string) []byte {
	t.Helper()
	info, ok := c.Info(key)
	if !ok {
		t.Fatalf("no tensor %q", key)
	}
	bytes := make([]byte, info.NumBytes())
	if err := c.ReadInto(key, bytes); err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestReadParametersConverts reads tensors of each floating type, hard to
// round, as each type that a model may have, and wants torch's own rounding.
func TestReadParametersConverts(t *testing.T) {
	torchtest.NoLeaks(t)
	c := openWeights(t, filepath.Join("convert", "testdata", "dtypes.safetensors"))
	for _, from := range []string{"float64", "float32", "float16", "bfloat16"} {
		for _, to := range []torch.DType{torch.Float32, torch.BFloat16} {
			p, keys := parameterFor(t, c, from, to)
			if err := CheckParameters(c, []*nn.Parameter{p}, keys); err != nil {
				t.Fatal(err)
			}
			if err := ReadParameters(c, []*nn.Parameter{p}, keys); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(bytesOf(t, c, from+"."+to.String()), p.Tensor.Bytes()); diff != "" {
				t.Errorf("%s as %v (-want +got):\n%s", from, to, diff)
			}
		}
	}
}

// TestReadParametersOfPickles reads tensors of torch.save, contiguous and not,
// as what they are and converted.
func TestReadParametersOfPickles(t *testing.T) {
	torchtest.NoLeaks(t)
	pickles := filepath.Join("checkpoint", "testdata", "pickles")
	golden := openWeights(t, filepath.Join(pickles, "everything.safetensors"))
	for _, file := range []string{"zip-2.bin", "legacy-2.bin"} {
		c := openWeights(t, filepath.Join(pickles, file))
		for _, key := range []string{"float64", "float32", "float16", "bfloat16", "transposed", "columns", "expanded.bfloat16", "scalar", "empty"} {
			for _, to := range []torch.DType{torch.Float32, torch.BFloat16} {
				p, keys := parameterFor(t, c, key, to)
				if err := ReadParameters(c, []*nn.Parameter{p}, keys); err != nil {
					t.Fatal(err)
				}
				want, keys := parameterFor(t, golden, key, to)
				if err := ReadParameters(golden, []*nn.Parameter{want}, keys); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.Tensor.Bytes(), p.Tensor.Bytes()); diff != "" {
					t.Errorf("%s: %s as %v (-want +got):\n%s", file, key, to, diff)
				}
			}
		}
	}
}

func TestCheckParametersRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	c := openWeights(t, filepath.Join("checkpoint", "testdata", "pickles", "zip-2.bin"))
	p, _ := parameterFor(t, c, "float32", torch.Float32)
	for key, want := range map[string]string{
		"nothing":    `tensor "weight" is missing`,
		"transposed": `tensor "transposed" has shape [7 5], but config.json says [2 3]`,
		"int64":      `tensor "int64" is I64: want F32, F16, BF16 or F64`,
	} {
		err := CheckParameters(c, []*nn.Parameter{p}, map[string]string{"weight": key})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", key, err, want)
		}
	}
}
