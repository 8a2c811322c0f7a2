package optim_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// golden is testdata/golden.json; make_golden.py beside it describes it.
type golden struct {
	AdamW []struct {
		Name              string
		LR                float64
		MaxNorm           float64 `json:"max_norm"`
		WeightDecay       float64 `json:"weight_decay"`
		Beta1, Beta2, Eps float64
		Params            []struct {
			DType string
			Decay bool
			Start []float64
		}
		Steps []struct {
			LR        float64
			Gradients [][]float64
			Norm      float64
			Values    [][]float64
		}
	}
	Schedules []struct {
		Kind          string
		Warmup, Steps int
		Factors       []float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// backward leaves exactly this gradient in leaf.
func backward(leaf *torch.Tensor, gradient []float64) {
	s := torch.NewScope()
	defer s.Close()
	g := torch.FromSlice(s, gradient, int64(len(gradient))).ToDType(leaf.DType())
	leaf.In(s).BackwardWith(g)
}

func TestAdamWIsPyTorchs(t *testing.T) {
	// A bfloat16 weight may round to the neighbour where the master differs in its last bit.
	tolerance := map[torch.DType]float64{torch.Float64: 1e-14, torch.Float32: 1e-6, torch.BFloat16: 1.0 / 256}
	for _, run := range readGolden(t).AdamW {
		t.Run(run.Name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			var params []optim.Param
			for i, p := range run.Params {
				dtype, err := torch.ParseDType(p.DType)
				if err != nil {
					t.Fatal(err)
				}
				leaf := torch.Empty(nil, dtype, int64(len(p.Start)))
				defer leaf.Close()
				write(leaf, p.Start)
				params = append(params, optim.Param{Name: fmt.Sprint(i), Leaf: leaf.SetRequiresGrad(true), Decay: p.Decay})
			}
			optimizer := optim.NewAdamW(params, optim.Config{
				Beta1: run.Beta1, Beta2: run.Beta2, Eps: run.Eps, WeightDecay: run.WeightDecay, MaxNorm: run.MaxNorm,
			})
			defer optimizer.Close()
			for n, step := range run.Steps {
				optimizer.ZeroGrad()
				for i, p := range params {
					backward(p.Leaf, step.Gradients[i])
				}
				result := optimizer.Step(step.LR)
				if result.Skipped || math.Abs(result.GradNorm-step.Norm) > 1e-6*step.Norm {
					t.Errorf("step %d: %+v, want norm %v", n, result, step.Norm)
				}
				for i, p := range params {
					for j, got := range p.Leaf.Float64s() {
						want := step.Values[i][j]
						if math.Abs(got-want) > tolerance[p.Leaf.DType()]*math.Max(1, math.Abs(want)) {
							t.Errorf("step %d, parameter %d[%d]: %v, want %v", n, i, j, got, want)
						}
					}
				}
			}
			if got := optimizer.Steps(); got != int64(len(run.Steps)) {
				t.Errorf("%d steps counted, %d made", got, len(run.Steps))
			}
		})
	}
}

func write(t *torch.Tensor, values []float64) {
	s := torch.NewScope()
	defer s.Close()
	t.CopyFrom(torch.FromSlice(s, values, t.Shape()...))
}

func TestSchedulesAreTransformers(t *testing.T) {
	for _, c := range readGolden(t).Schedules {
		schedule := optim.Schedule{Kind: c.Kind, Warmup: c.Warmup, Steps: c.Steps}
		if err := schedule.Validate(); err != nil {
			t.Error(err)
		}
		for step, want := range c.Factors {
			if got := schedule.Factor(step); math.Abs(got-want) > 1e-15 {
				t.Errorf("%+v at step %d: %v, want %v", schedule, step, got, want)
			}
		}
	}
}
