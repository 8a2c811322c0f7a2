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
	"github.com/gopet-ml/gopet/torch/nn"
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
	in := models.Input{Scope: g["input_ids"].Scope()}
	in.IDs, in.Lengths = g.pack("input_ids")
	if g["token_type_ids"] != nil {
		in.Types, _ = g.pack("token_type_ids")
	}
	return in
}

// pack leaves out what the attention mask hides.
func (g Golden) pack(name string) (values, lengths []int64) {
	mask, length := g["attention_mask"].Int64s(), int(g["attention_mask"].Dim(1))
	lengths = make([]int64, len(mask)/length)
	for i, value := range g[name].Int64s() {
		if mask[i] == 1 {
			values = append(values, value)
			lengths[i/length]++
		}
	}
	return values, lengths
}

// Padded lays a packed hidden state [tokens, dim] out as the golden has it,
// [rows, length, dim], with zeros for padding.
func (g Golden) Padded(hidden *torch.Tensor) *torch.Tensor {
	mask := g["attention_mask"]
	var rows []int64
	next := int64(0)
	for _, real := range mask.Int64s() {
		if next += real; real == 0 {
			rows = append(rows, 0)
		} else {
			rows = append(rows, next)
		}
	}
	s, dim := hidden.Scope(), hidden.Dim(1)
	withZero := torch.Cat(0, torch.Zeros(s, hidden.DType(), 1, dim), hidden)
	return withZero.IndexSelect(0, torch.FromSlice(s, rows, int64(len(rows)))).Reshape(mask.Dim(0), mask.Dim(1), dim)
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

// CheckpointsChangeNothing compares the gradients of a loss of two rows with
// and without checkpoints, under dropout.
func CheckpointsChangeNothing(t *testing.T, m models.Model, loss func(models.Model, models.Input) *torch.Tensor) {
	t.Helper()
	s := NewScope(t)
	m.SetDropout(0.2)
	gradients := func(c *nn.Checkpoints) map[string]*torch.Tensor {
		torch.ManualSeed(6)
		in := models.Rows(s, []int64{5, 17, 3, 1}, []int64{9, 4})
		in.Train, in.Checkpoints = true, c
		for _, p := range m.Registry().Parameters() {
			p.Tensor.SetRequiresGrad(true)
		}
		loss(m, in).Backward()
		c.Backward()
		list := map[string]*torch.Tensor{}
		for _, p := range m.Registry().Parameters() {
			list[p.Name] = p.Tensor.Grad(s)
			torch.ZeroGrad(p.Tensor)
		}
		return list
	}
	want := gradients(nil)
	for name, got := range gradients(&nn.Checkpoints{}) {
		if want[name] == nil || got == nil {
			if want[name] != got {
				t.Errorf("gradient of %s: %v with checkpoints, %v without", name, got, want[name])
			}
			continue
		}
		Within(t, "gradient of "+name+" with checkpoints", got, want[name], 1e-6)
	}
}
