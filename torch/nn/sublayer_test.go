package nn_test

import (
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func TestSublayersJoinTheStream(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float64, torch.CPU)
	defer reg.Close()
	path := reg.Root().Sub("output")
	norm := nn.NewRMSNorm(path.Sub("norm"), 2, 0)
	norm.Weight.Tensor.Fill(5)
	identity := &nn.Dense{In: nn.NewLinear(path.Sub("dense"), 2, 2, false, nn.RoleNone)}
	pre := nn.NewSublayer(path, nn.FeedForwardSublayer, 2, nn.Dropout{}, nil)
	post := nn.NewSublayer(path, nn.SelfAttentionSublayer, 2, nn.Dropout{}, norm)
	if got := reg.Sublayers(); len(got) != 2 || got[0] != pre || got[1] != post || pre.Name != "output" {
		t.Fatal("the sublayers are not listed in order, by name")
	}
	s := torch.NewScope()
	defer s.Close()
	identity.In.Weight.Tensor.CopyFrom(torch.FromSlice(s, []float64{1, 0, 0, 1}, 2, 2))
	output, stream := torch.FromSlice(s, []float64{1, 3}, 1, 2), torch.FromSlice(s, []float64{0, 4}, 1, 2)
	if got := pre.Forward(identity, output, stream, true).Float64s(); !slices.Equal(got, []float64{1, 7}) {
		t.Errorf("without a norm: %v, want the sum", got)
	}
	for i, got := range post.Forward(identity, output, stream, true).Float64s() {
		near(t, "with a norm", got, []float64{1, 7}[i]) // over its root mean square, 5, times 5
	}
	pre.Override = func(output, stream *torch.Tensor) *torch.Tensor { return pre.Join(output.MulScalar(2), stream) }
	if got := pre.Forward(identity, output, stream, true).Float64s(); !slices.Equal(got, []float64{2, 10}) {
		t.Errorf("overridden: %v", got)
	}
}

func TestSoftPromptsComeFirst(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	table := nn.NewEmbedding(reg.Root().Sub("words"), 3, 2)
	prompt := nn.NewSoftPrompt(reg.Root().Sub("encoder"), table, 2)
	if got := reg.SoftPrompts(); len(got) != 1 || got[0] != prompt || prompt.Table != table {
		t.Fatal("the prompt is not listed")
	}
	s := torch.NewScope()
	defer s.Close()
	words := torch.FromSlice(s, []float32{1, 2, 3, 4, 5, 6}, 3, 2)
	lengths, types := []int64{1, 2}, []int64{1, 1, 1}
	if prompt.Prepend(words, lengths) != words || prompt.Drop(words, lengths) != words || prompt.Len() != 0 {
		t.Error("without vectors the words changed")
	}
	if !slices.Equal(prompt.Lengths(lengths), lengths) || !slices.Equal(prompt.Types(types, lengths), types) {
		t.Error("without vectors lengths or types changed")
	}
	prompt.Vectors = torch.FromSlice(nil, []float32{7, 8, 9, 10}, 2, 2)
	defer prompt.Vectors.Close()
	embedded := prompt.Prepend(words, lengths)
	if got := embedded.Float32s(); !slices.Equal(got, []float32{7, 8, 9, 10, 1, 2, 7, 8, 9, 10, 3, 4, 5, 6}) {
		t.Errorf("embedded %v", got)
	}
	if !prompt.Drop(embedded, lengths).Equal(words) {
		t.Error("what was prepended was not dropped")
	}
	if got := prompt.Lengths(lengths); !slices.Equal(got, []int64{3, 4}) {
		t.Errorf("lengths %v", got)
	}
	if got := prompt.Types(types, lengths); !slices.Equal(got, []int64{0, 0, 1, 0, 0, 1, 1}) {
		t.Errorf("types %v", got)
	}
}

// TestSublayersFuse: what is computed in one pass is what its parts compute.
func TestSublayersFuse(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	root := reg.Root()
	layers := &nn.Dense{
		Gate: nn.NewLinear(root.Sub("gate"), 4, 9, true, nn.FeedForward), In: nn.NewLinear(root.Sub("in"), 4, 9, true, nn.FeedForward),
		Activation: torch.ActivationGELU, Out: nn.NewLinear(root.Sub("out"), 9, 4, true, nn.FeedForward),
	}
	end := nn.NewSublayer(root.Sub("end"), nn.FeedForwardSublayer, 4, nn.Dropout{P: 0.5}, nn.NewLayerNorm(root.Sub("norm"), 4, 1e-5))
	fill(reg)
	s := torch.NewScope()
	defer s.Close()
	x := torch.Normal(s, 0, 1, 77, torch.Float32, 6, 4)
	want := end.Forward(layers, x, x, false)
	for name, l := range map[string]*nn.Linear{"gate": layers.Gate, "in": layers.In, "out": layers.Out} {
		l.Override = func(x *torch.Tensor) *torch.Tensor { return torch.Linear(x, l.Weight.Tensor, l.BiasTensor()) }
		if got := end.Forward(layers, x, x, false); !got.AllClose(want, 1e-5, 1e-5) {
			t.Errorf("an override of %s computes %v, fused %v", name, got.Float32s(), want.Float32s())
		}
		l.Override = nil
	}
	end.Override = end.Join
	if got := end.Forward(layers, x, x, false); !got.AllClose(want, 1e-5, 1e-5) {
		t.Error("an override of the end changes the result")
	}
	end.Override = nil
	torch.ManualSeed(1)
	if end.Forward(layers, x, x, true).AllClose(want, 1e-3, 1e-3) {
		t.Error("dropout was left out")
	}
}

func TestTiedLinearsShareTheirWeight(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	table := nn.NewEmbedding(reg.Root().Sub("shared"), 3, 2)
	head := nn.NewTiedLinear(reg.Root().Sub("lm_head"), table.Weight, nn.RoleNone)
	if head.Name != "lm_head" || head.In != 2 || head.Out != 3 || head.Weight != table.Weight || len(reg.Parameters()) != 1 {
		t.Errorf("%+v", head)
	}
}
