package adapter_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/adapter"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

// places names the sublayers that have a bottleneck.
func places(a *pet.Attached) []string {
	var names []string
	for _, p := range a.Tuning.Params() {
		if name, ok := strings.CutSuffix(p.Name, adapter.SuffixDown); ok {
			names = append(names, name)
		}
	}
	return names
}

// Behind self-attention and the feed-forward block, never behind
// cross-attention; Pfeiffer's behind the feed-forward block only.
func TestPlaces(t *testing.T) {
	torchtest.NoLeaks(t)
	tied := []string{
		"encoder.block.0.layer.0", "encoder.block.0.layer.1", "encoder.block.1.layer.0", "encoder.block.1.layer.1",
		"decoder.block.0.layer.0", "decoder.block.0.layer.2", "decoder.block.1.layer.0", "decoder.block.1.layer.2",
		"decoder.block.2.layer.0", "decoder.block.2.layer.2",
	}
	for _, test := range []struct {
		model, placement string
		want             []string
	}{
		{pettest.BERT, "", []string{
			"bert.encoder.layer.0.attention.output", "bert.encoder.layer.0.output",
			"bert.encoder.layer.1.attention.output", "bert.encoder.layer.1.output",
		}},
		{pettest.TiedT5, "paper", tied},
		{pettest.TiedT5, "houlsby", tied},
		{pettest.GatedT5, "pfeiffer", []string{
			"encoder.block.0.layer.1", "encoder.block.1.layer.1", "encoder.block.2.layer.1", "decoder.block.0.layer.2",
		}},
	} {
		m := pettest.Load(t, test.model, torch.Float32)
		attached := pettest.Attach(t, m, "adapter", pet.Options{Placement: test.placement}, true)
		if got := places(attached); !slices.Equal(got, test.want) {
			t.Errorf("%s %s: %q, want %q", test.model, test.placement, got, test.want)
		}
		attached.Detach()
	}
}

// The paper's weights have a standard deviation of 0.01, and biases are zero.
func TestFirstValues(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	for init, up := range map[string]float64{"": 0.01, "paper": 0.01, "zero": 0} {
		attached := pettest.Attach(t, m, "adapter", pet.Options{Bottleneck: 200, Init: init, Seed: 9}, true)
		for _, p := range attached.Tuning.Params() {
			want := 0.0
			switch {
			case strings.HasSuffix(p.Name, adapter.SuffixDown):
				want = 0.01
			case strings.HasSuffix(p.Name, adapter.SuffixUp):
				want = up
			}
			var sum, squares float64
			values := p.Leaf.Float64s()
			for _, v := range values {
				sum += v
				squares += v * v
			}
			n := float64(len(values))
			if std := math.Sqrt(squares / n); math.Abs(std-want) > 0.05*want || math.Abs(sum/n) > 0.05*want {
				t.Errorf("init %q: %s has mean %g and deviation %g, want 0 and %g", init, p.Name, sum/n, std, want)
			}
		}
		attached.Detach()
	}
}

func TestAttachRefuses(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	for want, o := range map[string]pet.Options{
		"bottleneck -1: want 1 to":            {Bottleneck: -1},
		`did you mean "houlsby"?`:             {Placement: "houlsbi"},
		`init "pettest.Zeros": want paper`:    {Init: "pettest.Zeros"},
		"bottleneck 2147483648: want 1 to 21": {Bottleneck: 1 << 31},
	} {
		if _, err := pet.Attach(m, pettest.Method(t, "adapter"), o, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", o, err, want)
		}
	}
}

func bottleneck(at string, width int64) pettest.Zeros {
	return pettest.Zeros{
		at + adapter.SuffixDown: {width, 16}, at + adapter.SuffixDownBias: {width},
		at + adapter.SuffixUp: {16, width}, at + adapter.SuffixUpBias: {16},
	}
}

// An adapter may leave layers out, as those of the package adapters do, and
// may have another activation; all of it is checked first.
func TestRestore(t *testing.T) {
	torchtest.NoLeaks(t)
	for _, test := range []struct {
		config  string
		tensors pettest.Zeros
		refusal string
	}{
		{`{"bottleneck":3,"activation":"swish","placement":"pfeiffer"}`, bottleneck("bert.encoder.layer.1.output", 3), ""},
		{`{"bottleneck":3,"activation":"snake","placement":"paper"}`, bottleneck("bert.encoder.layer.1.output", 3), `unknown activation "snake"`},
		{`{"bottleneck":3,"activation":"relu","placement":""}`, bottleneck("bert.encoder.layer.1.output", 3), `unknown placement ""`},
		{`{"bottleneck":2000000000,"activation":"relu","placement":"paper"}`, bottleneck("bert.encoder.layer.1.output", 3),
			"has shape [3 16], this model wants [2000000000 16]"},
		{`{"bottleneck":3,"activation":"relu","placement":"paper"}`, bottleneck("bert.encoder.layer.2.output", 3), `no module "bert.encoder.layer.2.output"`},
		{`{"bottleneck":3,"activation":"relu","placement":"paper"}`, pettest.Zeros{}, "no tensor NAME.adapter_down.weight"},
		{`[]`, bottleneck("bert.encoder.layer.1.output", 3), "adapter configuration: json"},
	} {
		m := pettest.Load(t, pettest.BERT, torch.Float32)
		want := pettest.Answers(m)
		attached, err := pet.Restore(m, pettest.Method(t, "adapter"), json.RawMessage(test.config), test.tensors, false, true)
		if test.refusal != "" {
			if err == nil || !strings.Contains(err.Error(), test.refusal) {
				t.Errorf("%s: error %v, want %q", test.config, err, test.refusal)
			}
		} else if err != nil {
			t.Errorf("%s: %v", test.config, err)
		} else if got := places(attached); !slices.Equal(got, []string{"bert.encoder.layer.1.output"}) {
			t.Errorf("%s: bottlenecks at %q", test.config, got)
		} else {
			attached.Detach()
		}
		if !slices.Equal(pettest.Answers(m), want) {
			t.Errorf("%s: the model has changed", test.config)
		}
	}
}
