package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/t5"
	"github.com/gopet-ml/gopet/torch"
)

// Fit is the largest batch of a T5 that a GPU holds. It is a prediction: the
// memory model is that of this package, which counts the tensors that gopet's
// kernels keep, and no GPU has confirmed it.
type Fit struct {
	Model      string `json:"model"`
	Parameters int64  `json:"parameters"`
	Method     string `json:"method"`
	Trainable  int64  `json:"trainable"`
	Batch      int    `json:"batch"` // rows; 0: not even one fits
	Bytes      int64  `json:"bytes"` // at that batch, or of one row where none fits
}

// GiB is what GPUs' gigabytes are.
const GiB = int64(1) << 30

// gpus are GPUs that compute bfloat16, and their memory in GiB.
var gpus = map[string]int64{
	"a10": 24, "a10g": 24, "l4": 24, "rtx3090": 24, "rtx4090": 24, "rtx5090": 32, "a100-40": 40, "a6000": 48, "l40s": 48,
	"a100-80": 80, "h100": 80, "h200": 141, "b200": 180,
}

// GPUMemory is that of a GPU by its name, in bytes.
func GPUMemory(name string) (int64, error) {
	plain := strings.NewReplacer(" ", "", "_", "-").Replace(strings.ToLower(name))
	gib, ok := gpus[strings.TrimSuffix(plain, "gb")]
	if !ok {
		known := slices.Sorted(maps.Keys(gpus))
		if sizes := slices.DeleteFunc(slices.Clone(known), func(gpu string) bool { return !strings.HasPrefix(gpu, plain) }); len(sizes) > 0 {
			return 0, fmt.Errorf("gpu %q: say which, %s, or give --memory, such as 24GB", name, strings.Join(sizes, " or "))
		}
		return 0, fmt.Errorf("gpu %q: %s, or give --memory, such as 24GB", name, nearest.Hint(plain, known))
	}
	return gib * GiB, nil
}

// reserve is what a process takes of a GPU besides tensors: the context, the
// libraries' kernels and buffers, and what its allocator cannot use.
const reserve = GiB

// t5Family is version 1.1's.
var t5Family = []struct {
	name                             string
	dim, inner, heads, width, layers int64
}{
	{"t5-v1_1-small", 512, 1024, 6, 64, 8},
	{"t5-v1_1-base", 768, 2048, 12, 64, 12},
	{"t5-v1_1-large", 1024, 2816, 16, 64, 24},
	{"t5-v1_1-xl", 2048, 5120, 32, 64, 24},
	{"t5-v1_1-xxl", 4096, 10240, 64, 64, 24},
}

// FitMethods are those that Fits tells of unless one is named; APET tunes as
// many entries as LoRA.
var FitMethods = []string{"full", "lora", "adapter", "prompt", "bitfit", "apet-discrete"}

// Fits tells for every T5 of version 1.1 and each method the largest batch that
// so many bytes of a GPU hold, of rows as the options' shape has them.
func Fits(memory int64, methods []string, o Options) ([]Fit, error) {
	dtype, err := torch.ParseDType(o.DType)
	if err != nil {
		return nil, err
	}
	o.Shape.Rows = 1
	if err := o.Shape.settle(math.MaxInt); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gopet-plan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var list []Fit
	for _, size := range t5Family {
		c := t5.Defaults()
		c.VocabSize, c.ModelDim, c.InnerDim, c.Heads, c.HeadDim, c.Layers = 32128, size.dim, size.inner, size.heads, size.width, size.layers
		own, start := false, int64(0)
		c.FeedForwardProj, c.TieWordEmbeddings, c.DecoderStartTokenID = "gated-gelu", &own, &start
		if err := writeConfig(dir, c); err != nil {
			return nil, err
		}
		for _, method := range methods {
			o.Model, o.Method = size.name, method
			fit, err := largest(dir, dtype, memory, o)
			if err != nil {
				return nil, err
			}
			list = append(list, fit)
		}
	}
	return list, nil
}

func writeConfig(dir string, c t5.Config) error {
	data, err := json.Marshal(struct {
		ModelType string `json:"model_type"`
		t5.Config
	}{"t5", c})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o666)
}

// largest searches the batch for a method: memory grows with it.
func largest(dir string, dtype torch.DType, memory int64, o Options) (Fit, error) {
	fit := Fit{Model: o.Model, Method: o.Method}
	m, err := models.Declare(dir, models.Options{DType: dtype})
	if err != nil {
		return fit, err
	}
	defer m.Close()
	if strings.HasPrefix(o.Method, "apet-") && o.Params == "" {
		o.Params = "lora"
	}
	tuned, err := chosen(m, o)
	if err != nil {
		return fit, err
	}
	fit.Parameters, fit.Trainable = numEl(m.Base()), tuned.added+tuned.ownCount(m)
	total := func(rows int) int64 {
		o.Shape.Rows = rows
		step, err := stepOf(m, tuned, o)
		if err != nil {
			panic(err) // it is a T5
		}
		return memoryOf(m, tuned, step).Total - libraries + reserve
	}
	const most = 1 << 16
	fit.Batch = sort.Search(most, func(i int) bool { return total(i+1) > memory })
	fit.Bytes = total(max(fit.Batch, 1))
	return fit, nil
}
