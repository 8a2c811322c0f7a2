package torch_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

var activations = map[string]torch.Activation{
	"identity": torch.Identity, "gelu": torch.ActivationGELU, "tanh gelu": torch.ActivationTanhGELU,
	"relu": torch.ActivationReLU, "silu": torch.ActivationSiLU, "tanh": torch.ActivationTanh,
}

// TestGatedActivation holds results and gradients to libtorch's operations in
// float64. The gates reach where activations are flat.
func TestGatedActivation(t *testing.T) {
	for name, act := range activations {
		for _, shape := range [][]int64{{}, {1}, {7}, {3, 1000}, {300, 129}, {0, 4}} {
			for dtype, within := range map[torch.DType]float64{torch.Float32: 1e-6, torch.BFloat16: 0.01} {
				t.Run(fmt.Sprint(name, shape, dtype), func(t *testing.T) {
					torchtest.NoLeaks(t)
					s := torch.NewScope()
					defer s.Close()
					compute := func(dtype torch.DType) (y, dgate, dx *torch.Tensor) {
						draw := func(std float64, seed uint64) *torch.Tensor {
							return torch.Normal(s, 0, std, seed, torch.Float64, shape...).ToDType(torch.BFloat16).ToDType(dtype).Detach()
						}
						gate, x := draw(4, 1).SetRequiresGrad(true), draw(1, 2).SetRequiresGrad(true)
						y = torch.GatedActivation(gate, x, act)
						y.BackwardWith(draw(1, 3))
						return y, gate.Grad(s), x.Grad(s)
					}
					y, dgate, dx := compute(dtype)
					wantY, wantGate, wantX := compute(torch.Float64)
					closeTo(t, "the result", y, wantY, within)
					closeTo(t, "the gradient of the gate", dgate, wantGate, within)
					closeTo(t, "the gradient of x", dx, wantX, within)
				})
			}
		}
	}
}

// TestGELU holds values and slopes from -20 to 20 to float64.
func TestGELU(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	var points []float64
	for i := range 40_001 {
		points = append(points, float64(i-20_000)/1000)
	}
	n := int64(len(points))
	for name, f := range map[string]func(*torch.Tensor) *torch.Tensor{"exact": (*torch.Tensor).GELU, "tanh": (*torch.Tensor).GELUTanh} {
		want := torch.FromSlice(s, points, n).ToDType(torch.Float32).ToDType(torch.Float64).Detach().SetRequiresGrad(true)
		got := want.Detach().ToDType(torch.Float32).SetRequiresGrad(true)
		y, reference := f(got), f(want)
		y.BackwardWith(torch.Ones(s, torch.Float32, n))
		reference.BackwardWith(torch.Ones(s, torch.Float64, n))
		for what, pair := range map[string][2][]float64{
			"value": {y.ToDType(torch.Float64).Float64s(), reference.Float64s()},
			"slope": {got.Grad(s).ToDType(torch.Float64).Float64s(), want.Grad(s).Float64s()},
		} {
			for i, x := range points {
				// Below 0 a value is a small part of x: the rounding of that part is x's.
				if e := math.Abs(pair[0][i] - pair[1][i]); e > 2.5e-7*(1+math.Abs(x)) {
					t.Fatalf("%s: %s at %g is %.9g, want %.9g", name, what, x, pair[0][i], pair[1][i])
				}
			}
		}
	}
}

func TestActivationsKeepNaN(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	gate := torch.Full(s, math.NaN(), torch.Float32, 33)
	for name, act := range activations {
		if y := torch.GatedActivation(gate, torch.Ones(s, torch.Float32, 33), act); y.IsFinite().ToDType(torch.Float32).Sum().Item() != 0 {
			t.Errorf("%s makes numbers of NaN", name)
		}
	}
}

func TestGatedActivationRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	gate := torch.Ones(s, torch.Float32, 2, 3)
	for name, f := range map[string]func(){
		"shapes":                func() { torch.GatedActivation(gate, torch.Ones(s, torch.Float32, 3), torch.ActivationReLU) },
		"an unknown function":   func() { torch.GatedActivation(gate, gate, 99) },
		"one in float64 either": func() { wide := gate.ToDType(torch.Float64); torch.GatedActivation(wide, wide, -1) },
	} {
		err := torch.Try(f)
		var typed *torch.Error
		if !errors.Is(err, torch.ErrValue) || !errors.As(err, &typed) || typed.Op != "gated_activation" {
			t.Errorf("%s: %v, want an ErrValue", name, err)
		}
	}
}
