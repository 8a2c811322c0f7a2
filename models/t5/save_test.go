package t5

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
)

func TestSave(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			m := load32(t, filepath.Join("testdata", name))
			dir := filepath.Join(t.TempDir(), "saved")
			if err := m.Save(dir); err != nil {
				t.Fatal(err)
			}
			again := load32(t, dir)
			modeltest.SameParameters(t, again, m)
			if again.tied() != m.tied() || again.config.scales() != m.config.scales() {
				t.Errorf("tied %v, scales %v; were %v, %v", again.tied(), again.config.scales(), m.tied(), m.config.scales())
			}
			tensors := modeltest.ReadTensors(t, dir)
			if len(tensors) != len(m.Registry().Parameters()) {
				t.Errorf("%d tensors for %d parameters", len(tensors), len(m.Registry().Parameters()))
			}
			config := modeltest.ReadConfig(t, dir)
			if got := fmt.Sprintln(config["architectures"], config["torch_dtype"], config["dtype"]); got != "[T5ForConditionalGeneration] float32 <nil>\n" {
				t.Errorf("architectures, torch_dtype and dtype are %s", got)
			}
		})
	}
	m := load32(t, filepath.Join("testdata", "tied"))
	if err := m.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("error %v, want one that the directory already exists", err)
	}
}

func TestRandom(t *testing.T) {
	torchtest.NoLeaks(t)
	own := false
	c := Defaults()
	c.VocabSize, c.ModelDim, c.HeadDim, c.Heads, c.InnerDim, c.Layers = 500, 48, 8, 3, 70, 2
	c.FeedForwardProj, c.TieWordEmbeddings, c.InitializerFactor = "gated-gelu", &own, 0.5
	write := func(seed uint64) string {
		dir := filepath.Join(t.TempDir(), "random")
		if err := Random(dir, c, seed); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	m := load32(t, write(7))
	modeltest.SameParameters(t, load32(t, write(7)), m)
	if m.tied() || m.config.DecoderLayers != 2 || len(m.Warnings()) > 0 {
		t.Errorf("tied %v, %d decoder layers, warnings %q", m.tied(), m.config.DecoderLayers, m.Warnings())
	}
	s := modeltest.NewScope(t)
	if first, other := m.shared.Weight.Tensor, load32(t, write(8)).shared.Weight.Tensor; first.Equal(other) {
		t.Error("two seeds gave one table")
	}
	// transformers' standard deviations, halved by the factor.
	for name, want := range map[string]float64{
		"shared.weight": 0.5, "lm_head.weight": 0.5,
		"encoder.block.0.layer.0.SelfAttention.q.weight":     0.5 / 19.596, // sqrt(48*8)
		"encoder.block.1.layer.0.SelfAttention.k.weight":     0.5 / 6.9282, // sqrt(48)
		"decoder.block.0.layer.1.EncDecAttention.o.weight":   0.5 / 4.8990, // sqrt(24)
		"decoder.block.1.layer.2.DenseReluDense.wi_1.weight": 0.5 / 6.9282,
		"decoder.block.1.layer.2.DenseReluDense.wo.weight":   0.5 / 8.3666, // sqrt(70)
	} {
		p, ok := m.Registry().Lookup(name)
		if !ok {
			t.Fatalf("no parameter %s", name)
		}
		x := p.Tensor.In(s)
		if got := x.Mul(x).Mean().Sqrt().Item(); got < 0.9*want || got > 1.1*want {
			t.Errorf("%s: standard deviation %g, want %g", name, got, want)
		}
	}
	for _, l := range m.Registry().LayerNorms() {
		if w := l.Weight.Tensor.In(s); w.Min().Item() != 0.5 || w.Max().Item() != 0.5 {
			t.Errorf("%s is not 0.5", l.Weight.Name)
		}
	}
	c.Heads = 0
	if err := Random(filepath.Join(t.TempDir(), "none"), c, 1); err == nil || !strings.Contains(err.Error(), "num_heads is missing or 0") {
		t.Errorf("error %v, want one about num_heads", err)
	}
}

func TestGenerateNothing(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "tied"))
	in := models.Rows(s, []int64{5, 17}, []int64{3, 6})
	hidden := models.Hidden(m, in)
	for _, beams := range []int{1, 3} {
		texts := m.Generate(hidden, in, models.GenerateOptions{NumBeams: beams})
		if len(texts) != 2 || len(texts[0])+len(texts[1]) != 0 {
			t.Errorf("%d beams wrote %v where no id was asked for", beams, texts)
		}
	}
}
