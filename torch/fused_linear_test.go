package torch_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// fusedCase is a use of FusedLinear. Widths are [in, out of each first layer],
// what is tuned is told by name.
type fusedCase struct {
	name       string
	in         int64
	outs       []int64
	activation torch.Activation
	gated      bool
	second     int64  // its width, 0 for none
	residual   string // "", "x" or "other"
	norm       string // "", "weight" or "both"
	bias       bool
	tuned      string // "nothing", "weights", "biases", "masks", "dense masks", "low rank", "all"
}

var fusedCases = []fusedCase{
	{name: "one layer", in: 24, outs: []int64{40}, bias: true, tuned: "all"},
	{name: "three frozen layers", in: 24, outs: []int64{24, 24, 24}, bias: true, tuned: "nothing"},
	{name: "three layers", in: 24, outs: []int64{24, 8, 24}, bias: true, tuned: "masks"},
	{name: "three low-rank layers", in: 24, outs: []int64{24, 8, 24}, tuned: "low rank"},
	{name: "three dense masks", in: 24, outs: []int64{24, 8, 24}, bias: true, tuned: "dense masks"},
	{name: "activation at the end", in: 7, outs: []int64{33}, activation: torch.ActivationReLU, bias: true, tuned: "all"},
	{name: "attention output", in: 32, outs: []int64{16}, residual: "other", norm: "both", bias: true, tuned: "masks"},
	{name: "residual without norm", in: 16, outs: []int64{16}, residual: "x", tuned: "low rank"},
	{name: "residual x with norm", in: 64, outs: []int64{64}, residual: "x", norm: "both", bias: true, tuned: "all"},
	{name: "norm without residual", in: 16, outs: []int64{9}, norm: "weight", bias: true, tuned: "all"},
	{name: "feed-forward", in: 24, outs: []int64{50}, activation: torch.ActivationGELU, second: 24, residual: "x", norm: "both", bias: true, tuned: "masks"},
	{name: "frozen feed-forward", in: 24, outs: []int64{50}, activation: torch.ActivationGELU, second: 24, residual: "x", norm: "both", bias: true, tuned: "nothing"},
	{name: "feed-forward, biases", in: 24, outs: []int64{50}, activation: torch.ActivationTanhGELU, second: 24, residual: "x", norm: "both", bias: true, tuned: "biases"},
	{name: "feed-forward, low rank", in: 24, outs: []int64{50}, activation: torch.ActivationTanh, second: 24, residual: "other", norm: "both", bias: true, tuned: "low rank"},
	{name: "feed-forward, dense masks", in: 24, outs: []int64{50}, activation: torch.ActivationSiLU, second: 24, residual: "x", norm: "both", bias: true, tuned: "dense masks"},
	{name: "feed-forward, all", in: 24, outs: []int64{50}, activation: torch.ActivationGELU, second: 24, residual: "x", norm: "both", bias: true, tuned: "all"},
	{name: "gated, all", in: 24, outs: []int64{50, 50}, activation: torch.ActivationTanhGELU, gated: true, second: 24, residual: "other", tuned: "all"},
	{name: "gated, masks", in: 24, outs: []int64{50, 50}, activation: torch.ActivationSiLU, gated: true, second: 24, residual: "x", tuned: "masks"},
	{name: "gate alone", in: 5, outs: []int64{3, 3}, activation: torch.ActivationGELU, gated: true, bias: true, tuned: "weights"},
}

// fusedRun is what a use computed: the result, and gradients by name.
type fusedRun struct {
	y     *torch.Tensor
	grads map[string]*torch.Tensor
}

// run computes a case in a dtype: in float64 by libtorch's own operations.
func (c fusedCase) run(s *torch.Scope, dtype torch.DType, tokens int64) fusedRun {
	leaves := map[string]*torch.Tensor{}
	seed := uint64(0)
	draw := func(name string, wants bool, dtype torch.DType, shape ...int64) *torch.Tensor {
		seed++
		t := torch.Normal(s, 0, 0.4, seed, torch.Float64, shape...).ToDType(torch.BFloat16).To(dtype, torchtest.Device)
		if wants {
			leaves[name] = t.SetRequiresGrad(true)
		}
		return t
	}
	float := dtype
	if dtype == torch.BFloat16 {
		float = torch.Float32
	}
	tunes := func(what string) bool { return c.tuned == what || c.tuned == "all" }
	term := func(name string, in, out int64) torch.LinearTerm {
		l := torch.LinearTerm{Weight: draw(name+".weight", tunes("weights"), dtype, out, in)}
		if c.bias {
			l.Bias = draw(name+".bias", tunes("biases"), dtype, out)
		}
		positions := scattered(in*out, in*out/20)
		if c.tuned == "dense masks" {
			positions = run(in, in*out-2*in)
		}
		if c.tuned == "masks" || c.tuned == "dense masks" {
			index := torch.FromSlice(s, positions, int64(len(positions))).ToDevice(torchtest.Device)
			l.Mask = torch.Mask{Index: index, Values: l.Weight.Take(index).ToDType(float).Detach().SetRequiresGrad(true)}
			leaves[name+".values"] = l.Mask.Values
		}
		if c.tuned == "low rank" {
			l.A, l.B, l.Scale = draw(name+".a", true, dtype, 3, in), draw(name+".b", true, dtype, out, 3), 0.7
		}
		return l
	}
	x := draw("x", true, dtype, tokens, c.in)
	o := torch.FusedLinearOptions{Activation: c.activation, Gated: c.gated, Eps: 1e-5}
	var layers []torch.LinearTerm
	width := int64(0)
	for i, out := range c.outs {
		layers = append(layers, term(fmt.Sprint("layer ", i), c.in, out))
		width += out
	}
	if c.gated {
		width /= 2
	}
	if c.second > 0 {
		second := term("second", width, c.second)
		o.Second, width = &second, c.second
	}
	switch c.residual {
	case "x":
		o.Residual = x
	case "other":
		o.Residual = draw("residual", true, dtype, tokens, width)
	}
	if c.norm != "" {
		o.NormWeight = draw("norm.weight", tunes("weights"), float, width)
	}
	if c.norm == "both" {
		o.NormBias = draw("norm.bias", tunes("biases"), float, width)
	}
	y := torch.FusedLinear(x, o, layers...)
	y.BackwardWith(torch.Normal(s, 0, 1, 99, torch.Float64, tokens, width).ToDType(torch.BFloat16).To(dtype, torchtest.Device))
	result := fusedRun{y: y, grads: map[string]*torch.Tensor{}}
	for name, leaf := range leaves {
		result.grads[name] = leaf.Grad(s)
	}
	return result
}

// TestFusedLinearIsItsParts holds results and gradients to libtorch's
// operations in float64.
func TestFusedLinearIsItsParts(t *testing.T) {
	for _, c := range fusedCases {
		for _, tokens := range []int64{1, 7, 300, 1100} {
			for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
				t.Run(fmt.Sprintf("%s/%d tokens/%v", c.name, tokens, dtype), func(t *testing.T) {
					torchtest.NoLeaks(t)
					s := torch.NewScope()
					defer s.Close()
					want, got := c.run(s, torch.Float64, tokens), c.run(s, dtype, tokens)
					bound := 2e-6
					if dtype == torch.BFloat16 {
						bound = 0.08 // a sum near 0 may round to the other side of a ReLU
					}
					near := func(name string, got, want *torch.Tensor) {
						t.Helper()
						if got == nil {
							t.Fatalf("%s: no gradient", name)
						}
						want = want.ToDType(torch.Float64)
						if e := got.ToDType(torch.Float64).Sub(want).Norm().Item(); !(e <= bound*(1e-3+want.Norm().Item())) {
							t.Errorf("%s: off by %g of %g", name, e, want.Norm().Item())
						}
					}
					near("result", got.y, want.y)
					for name := range want.grads {
						near(name, got.grads[name], want.grads[name])
					}
				})
			}
		}
	}
}

// TestFusedLinearDoesNotDependOnThreads: one thread divides tokens as two do.
func TestFusedLinearDoesNotDependOnThreads(t *testing.T) {
	torchtest.NoLeaks(t)
	defer torch.SetNumThreads(0)
	for _, c := range fusedCases {
		if c.tuned == "weights" || c.tuned == "all" {
			continue // their gradients are libtorch's products
		}
		s := torch.NewScope()
		torch.SetNumThreads(1)
		want := c.run(s, torch.Float32, 700)
		torch.SetNumThreads(2)
		got := c.run(s, torch.Float32, 700)
		if !got.y.Equal(want.y) {
			t.Errorf("%s: two threads change the result", c.name)
		}
		for name, g := range want.grads {
			if !got.grads[name].Equal(g) {
				t.Errorf("%s: two threads change the gradient of %s", c.name, name)
			}
		}
		s.Close()
	}
}

func TestFusedLinearChecksShapes(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	zeros := func(shape ...int64) *torch.Tensor { return torch.Zeros(s, torch.Float32, shape...) }
	x, layer := zeros(3, 4), torch.LinearTerm{Weight: zeros(5, 4)}
	for name, f := range map[string]func(){
		"width of x": func() { torch.FusedLinear(zeros(3, 5), torch.FusedLinearOptions{}, layer) },
		"no layer":   func() { torch.FusedLinear(x, torch.FusedLinearOptions{}) },
		"bias": func() {
			torch.FusedLinear(x, torch.FusedLinearOptions{}, torch.LinearTerm{Weight: zeros(5, 4), Bias: zeros(4)})
		},
		"second":   func() { torch.FusedLinear(x, torch.FusedLinearOptions{Second: &layer}, layer) },
		"residual": func() { torch.FusedLinear(x, torch.FusedLinearOptions{Residual: x}, layer) },
		"norm":     func() { torch.FusedLinear(x, torch.FusedLinearOptions{NormWeight: zeros(4)}, layer) },
		"gate": func() {
			torch.FusedLinear(x, torch.FusedLinearOptions{Gated: true, Activation: torch.ActivationReLU}, layer)
		},
		"dtype": func() {
			torch.FusedLinear(x, torch.FusedLinearOptions{}, torch.LinearTerm{Weight: zeros(5, 4).ToDType(torch.Float64)})
		},
		"update": func() {
			torch.FusedLinear(x, torch.FusedLinearOptions{}, torch.LinearTerm{Weight: zeros(5, 4), A: zeros(2, 4), B: zeros(4, 2)})
		},
		"mask and update": func() {
			index := torch.FromSlice(s, []int64{0}, 1)
			torch.FusedLinear(x, torch.FusedLinearOptions{}, torch.LinearTerm{
				Weight: zeros(5, 4), A: zeros(2, 4), B: zeros(5, 2), Mask: torch.Mask{Index: index, Values: zeros(1)},
			})
		},
		"second without activation": func() {
			torch.FusedLinear(x, torch.FusedLinearOptions{Second: &torch.LinearTerm{Weight: zeros(4, 5)}}, layer)
		},
		"mask of floats": func() {
			torch.FusedLinear(x, torch.FusedLinearOptions{}, torch.LinearTerm{Weight: zeros(5, 4), Mask: torch.Mask{Index: zeros(1), Values: zeros(1)}})
		},
	} {
		if err := torch.Try(f); !errors.Is(err, torch.ErrValue) {
			t.Errorf("%s: %v, want a value error", name, err)
		}
	}
}
