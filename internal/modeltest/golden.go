// Package modeltest helps the tests of model families: files of tensors that
// transformers computed, and directories that are changed before they are read.
package modeltest

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
)

// Tolerance is how far a tensor may be from transformers', times max(1, its
// largest magnitude).
const Tolerance = 2e-5

// CPU32 loads a model in float32 on the CPU.
var CPU32 = models.Options{DType: torch.Float32, Device: torch.CPU}

// NewScope is a scope for one test, which must free what it makes.
func NewScope(t *testing.T) *torch.Scope {
	t.Helper()
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	t.Cleanup(s.Close)
	return s
}

// Load loads a directory's model, which lives as long as the test.
func Load[M models.Model](t *testing.T, dir string, o models.Options) M {
	t.Helper()
	m, err := models.Load(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range m.Registry().Parameters() {
			torch.ZeroGrad(p.Tensor)
		}
		m.Close()
	})
	return m.(M)
}

// Golden is a file of tensors by name, as a family's make_golden.py writes
// them: float32 and int64.
type Golden map[string]*torch.Tensor

// ReadGolden reads a file into a scope.
func ReadGolden(t *testing.T, s *torch.Scope, path ...string) Golden {
	t.Helper()
	file, err := checkpoint.OpenFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g := Golden{}
	for _, name := range file.Names() {
		info, _ := file.Info(name)
		dtype := torch.Float32
		if info.DType == checkpoint.Int64 {
			dtype = torch.Int64
		}
		g[name] = torch.Empty(s, dtype, info.Shape...)
		if err := file.ReadInto(name, g[name].Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// Input is the batch that the golden was computed from.
func (g Golden) Input() models.Input {
	return models.Input{IDs: g["input_ids"], Types: g["token_type_ids"], Mask: g["attention_mask"].ToDType(torch.Bool)}
}

// RealPositions sets the hidden state of padding to zero, as the golden has it.
func (g Golden) RealPositions(hidden *torch.Tensor) *torch.Tensor {
	return hidden.Mul(g["attention_mask"].Unsqueeze(2).ToDType(hidden.DType()))
}

// HoldsGradients compares the gradient of every parameter with the golden's,
// which has no others.
func (g Golden) HoldsGradients(t *testing.T, s *torch.Scope, m models.Model) {
	t.Helper()
	parameters := m.Registry().Parameters()
	for _, p := range parameters {
		got, want := p.Tensor.Grad(s), g["grad."+p.Name]
		if got == nil || want == nil {
			t.Errorf("gradient of %s: got %v, want %v", p.Name, got, want)
			continue
		}
		Within(t, "gradient of "+p.Name, got, want, Tolerance)
	}
	n := 0
	for name := range g {
		if strings.HasPrefix(name, "grad.") {
			n++
		}
	}
	if len(parameters) != n {
		t.Errorf("%d parameters, transformers has %d", len(parameters), n)
	}
}

// Within checks that |got-want| is at most limit times max(1, |want|'s largest).
func Within(t *testing.T, what string, got, want *torch.Tensor, limit float64) {
	t.Helper()
	if !slices.Equal(got.Shape(), want.Shape()) {
		t.Errorf("%s: shape %v, want %v", what, got.Shape(), want.Shape())
		return
	}
	largest := math.Max(1, want.Abs().Max().Item())
	difference := got.Sub(want).Abs().Max().Item()
	if !(difference <= limit*largest) {
		t.Errorf("%s: differs by %.3g, at most %.3g allowed", what, difference, limit*largest)
	}
}
