package torch_test

import (
	"errors"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

func TestPackedLinearIsLinear(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for dtype, tolerance := range map[torch.DType]float64{torch.Float32: 1e-5, torch.BFloat16: 0.2} {
		x := torch.Normal(s, 0, 1, 1, torch.Float32, 37, 48)
		w := torch.Normal(s, 0, 1, 2, torch.Float32, 19, 48)
		packed := torch.PackLinear(s, w.ToDType(dtype), 37)
		got := torch.PackedLinear(x.ToDType(dtype), packed)
		want := torch.Linear(x, w, nil)
		if got.DType() != dtype {
			t.Errorf("%v: the result is %v", dtype, got.DType())
		}
		if d := got.ToDType(torch.Float32).Sub(want).Abs().Max().Item(); d > tolerance*want.Abs().Max().Item() {
			t.Errorf("%v: off by %g", dtype, d)
		}
	}
}

func TestPackedLinearRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	packed := torch.PackLinear(s, torch.Ones(s, torch.Float32, 3, 4), 2)
	for name, f := range map[string]func(){
		"another width": func() { torch.PackedLinear(torch.Ones(s, torch.Float32, 2, 5), packed) },
		"another dtype": func() { torch.PackedLinear(torch.Ones(s, torch.Float64, 2, 4), packed) },
		"whole numbers": func() { torch.PackLinear(s, torch.Ones(s, torch.Int64, 3, 4), 2) },
		"no matrix":     func() { torch.PackLinear(s, torch.Ones(s, torch.Float32, 3), 2) },
	} {
		var failure *torch.Error
		if err := torch.Try(f); !errors.As(err, &failure) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
