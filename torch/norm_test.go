package torch_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// normLeaves are the operands of every norm, by name.
type normLeaves map[string]*torch.Tensor

// norms return the outputs of each norm.
var norms = map[string]func(x normLeaves) []*torch.Tensor{
	"layer norm": func(x normLeaves) []*torch.Tensor {
		return []*torch.Tensor{torch.LayerNorm(x["x"], x["weight"], x["bias"], 1e-5)}
	},
	"layer norm without bias": func(x normLeaves) []*torch.Tensor {
		return []*torch.Tensor{torch.LayerNorm(x["x"], x["weight"], nil, 1e-5)}
	},
	"rms norm": func(x normLeaves) []*torch.Tensor {
		return []*torch.Tensor{torch.RMSNorm(x["x"], x["weight"], 1e-6)}
	},
	"add, layer norm": func(x normLeaves) []*torch.Tensor {
		return []*torch.Tensor{torch.AddLayerNorm(x["x"], x["residual"], x["weight"], x["bias"], 1e-12)}
	},
	"add to itself, layer norm": func(x normLeaves) []*torch.Tensor {
		return []*torch.Tensor{torch.AddLayerNorm(x["x"], x["x"], x["weight"], nil, 1e-5)}
	},
	"add, rms norm": func(x normLeaves) []*torch.Tensor {
		sum, normed := torch.AddRMSNorm(x["x"], x["residual"], x["weight"], 1e-6)
		return []*torch.Tensor{sum, normed}
	},
	"add, rms norm, sum unused": func(x normLeaves) []*torch.Tensor {
		_, normed := torch.AddRMSNorm(x["x"], x["residual"], x["weight"], 1e-6)
		return []*torch.Tensor{normed}
	},
	"add, rms norm, norm unused": func(x normLeaves) []*torch.Tensor {
		sum, _ := torch.AddRMSNorm(x["x"], x["residual"], x["weight"], 1e-6)
		return []*torch.Tensor{sum}
	},
}

// runNorm returns the outputs and the gradients of a norm in a dtype: in
// float64 by libtorch's own operations. Some weights are near zero.
func runNorm(s *torch.Scope, norm func(normLeaves) []*torch.Tensor, dtype torch.DType, shape ...int64) (outputs []*torch.Tensor, gradients normLeaves) {
	float := dtype
	if dtype == torch.BFloat16 {
		float = torch.Float32
	}
	draw := func(seed uint64, dtype torch.DType, shape ...int64) *torch.Tensor {
		return torch.Normal(s, 0.3, 1, seed, torch.Float64, shape...).ToDType(torch.BFloat16).ToDType(dtype).Detach().SetRequiresGrad(true)
	}
	dim := shape[len(shape)-1]
	leaves := normLeaves{
		"x": draw(1, dtype, shape...), "residual": draw(2, dtype, shape...),
		"weight": draw(3, float, dim), "bias": draw(4, float, dim),
	}
	outputs = norm(leaves)
	var loss *torch.Tensor
	for i, y := range outputs {
		cotangent := torch.Normal(s, 0, 1, uint64(9+i), torch.Float64, shape...).ToDType(torch.BFloat16)
		part := y.ToDType(torch.Float64).Mul(cotangent.ToDType(torch.Float64)).Sum()
		if loss == nil {
			loss = part
		} else {
			loss = loss.Add(part)
		}
	}
	loss.Backward()
	gradients = normLeaves{}
	for name, leaf := range leaves {
		if g := leaf.Grad(s); g != nil {
			gradients[name] = g
		}
	}
	return outputs, gradients
}

// TestNorms holds results and gradients to libtorch's operations in float64.
func TestNorms(t *testing.T) {
	for name, norm := range norms {
		for _, shape := range [][]int64{{3}, {5, 1}, {1, 7}, {2, 150, 384}, {700, 1000}, {0, 4}} {
			for dtype, within := range map[torch.DType]float64{torch.Float32: 5e-6, torch.BFloat16: 0.02} {
				t.Run(fmt.Sprint(name, shape, dtype), func(t *testing.T) {
					torchtest.NoLeaks(t)
					s := torch.NewScope()
					defer s.Close()
					want, wanted := runNorm(s, norm, torch.Float64, shape...)
					got, gradients := runNorm(s, norm, dtype, shape...)
					for i := range want {
						if got[i].DType() != dtype {
							t.Errorf("output %d is %v", i, got[i].DType())
						}
						closeTo(t, fmt.Sprint("output ", i), got[i], want[i], within)
					}
					if len(gradients) != len(wanted) {
						t.Errorf("%d gradients, want %d", len(gradients), len(wanted))
					}
					if shape[len(shape)-1] == 1 {
						return // a gradient of 0 is the difference of large numbers
					}
					for name, g := range gradients {
						closeTo(t, "the gradient of "+name, g, wanted[name], within)
					}
				})
			}
		}
	}
}

func TestNormsDoNotDependOnThreads(t *testing.T) {
	torchtest.NoLeaks(t)
	defer torch.SetNumThreads(0)
	s := torch.NewScope()
	defer s.Close()
	for name, norm := range norms {
		torch.SetNumThreads(1)
		want, wanted := runNorm(s, norm, torch.Float32, 700, 40)
		for _, threads := range []int{2, 3, 4} {
			torch.SetNumThreads(threads)
			got, gradients := runNorm(s, norm, torch.Float32, 700, 40)
			for i := range want {
				if !got[i].Equal(want[i]) {
					t.Errorf("%s: %d threads change output %d", name, threads, i)
				}
			}
			for leaf, g := range wanted {
				if !gradients[leaf].Equal(g) {
					t.Errorf("%s: %d threads change the gradient of %s", name, threads, leaf)
				}
			}
		}
	}
}

// TestNormsWithoutGradients: nothing is kept, so the sum is made in place.
func TestNormsWithoutGradients(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	x, residual := torch.Normal(s, 0, 1, 1, torch.Float32, 30, 9), torch.Normal(s, 0, 1, 2, torch.Float32, 30, 9)
	weight, before := torch.Normal(s, 0, 1, 3, torch.Float32, 9), x.Clone()
	sum, normed := torch.AddRMSNorm(x, residual, weight, 1e-6)
	if !sum.Equal(x.Add(residual)) || !normed.Equal(torch.RMSNorm(sum, weight, 1e-6)) {
		t.Error("AddRMSNorm is not the sum and its norm")
	}
	if !torch.AddLayerNorm(x, residual, weight, nil, 1e-6).Equal(torch.LayerNorm(sum, weight, nil, 1e-6)) {
		t.Error("AddLayerNorm is not the norm of the sum")
	}
	if !x.Equal(before) {
		t.Error("an operand changed")
	}
}

func TestNormsCheckShapes(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	ones := func(shape ...int64) *torch.Tensor { return torch.Ones(s, torch.Float32, shape...) }
	for op, f := range map[string]func(){
		"layer_norm":     func() { torch.LayerNorm(ones(2, 3), ones(2), nil, 1e-5) },
		"rms_norm":       func() { torch.RMSNorm(ones(2, 3), ones(2, 3), 1e-5) },
		"add_layer_norm": func() { torch.AddLayerNorm(ones(2, 3), ones(3), ones(3), nil, 1e-5) },
		"add_rms_norm":   func() { torch.AddRMSNorm(ones(2, 3), ones(1, 3), ones(3), 1e-5) },
	} {
		err := torch.Try(f)
		var typed *torch.Error
		if !errors.Is(err, torch.ErrValue) || !errors.As(err, &typed) || typed.Op != op {
			t.Errorf("%s: %v, want an ErrValue of it", op, err)
		}
	}
}
