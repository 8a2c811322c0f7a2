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
	pre := nn.NewSublayer(path, nn.FeedForwardSublayer, 2, nn.Dropout{}, nil)
	post := nn.NewSublayer(path, nn.SelfAttentionSublayer, 2, nn.Dropout{}, norm)
	if got := reg.Sublayers(); len(got) != 2 || got[0] != pre || got[1] != post || pre.Name != "output" {
		t.Fatal("the sublayers are not listed in order, by name")
	}
	s := torch.NewScope()
	defer s.Close()
	output, stream := torch.FromSlice(s, []float64{1, 3}, 1, 2), torch.FromSlice(s, []float64{0, 4}, 1, 2)
	if got := pre.Forward(output, stream, true).Float64s(); !slices.Equal(got, []float64{1, 7}) {
		t.Errorf("without a norm: %v, want the sum", got)
	}
	for i, got := range post.Forward(output, stream, true).Float64s() {
		near(t, "with a norm", got, []float64{1, 7}[i]) // over its root mean square, 5, times 5
	}
	pre.Override = func(output, stream *torch.Tensor) *torch.Tensor { return pre.Join(output.MulScalar(2), stream) }
	if got := pre.Forward(output, stream, true).Float64s(); !slices.Equal(got, []float64{2, 10}) {
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
	words := torch.FromSlice(s, []float32{1, 2, 3, 4}, 2, 1, 2)
	mask := torch.FromSlice(s, []bool{true, false}, 2, 1)
	types := torch.FromSlice(s, []int64{1, 1}, 2, 1)
	if prompt.Prepend(words) != words || prompt.PrependMask(mask) != mask || prompt.PrependTypes(types) != types || prompt.Len() != 0 {
		t.Error("without vectors something changed")
	}
	prompt.Vectors = torch.FromSlice(nil, []float32{7, 8, 9, 10}, 2, 2)
	defer prompt.Vectors.Close()
	if got := prompt.Prepend(words).Float32s(); !slices.Equal(got, []float32{7, 8, 9, 10, 1, 2, 7, 8, 9, 10, 3, 4}) {
		t.Errorf("embedded %v", got)
	}
	if got := prompt.PrependMask(mask).ToDType(torch.Int64).Int64s(); !slices.Equal(got, []int64{1, 1, 1, 1, 1, 0}) {
		t.Errorf("mask %v", got)
	}
	if prompt.PrependMask(nil) != nil {
		t.Error("a mask came from nowhere")
	}
	if got := prompt.PrependTypes(types).Int64s(); !slices.Equal(got, []int64{0, 0, 1, 0, 0, 1}) {
		t.Errorf("types %v", got)
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
