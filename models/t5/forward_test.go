package t5

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// dropouts are the kinds of places that have a dropout.
var dropouts = map[string]func(m *Model, p float64){
	"encoder":             func(m *Model, p float64) { m.encoder.dropout.P = p },
	"decoder":             func(m *Model, p float64) { m.decoder.dropout.P = p },
	"attention":           eachBlock(func(b *block, p float64) { b.self.attention.Dropout.P = p }, func(b *block, p float64) { b.cross.attention.Dropout.P = p }),
	"self_attention_end":  eachBlock(func(b *block, p float64) { b.self.end.Dropout.P = p }, nil),
	"cross_attention_end": eachBlock(nil, func(b *block, p float64) { b.cross.end.Dropout.P = p }),
	"feed_forward_end":    eachBlock(func(b *block, p float64) { b.feedForward.end.Dropout.P = p }, nil),
	"feed_forward_inner":  eachBlock(func(b *block, p float64) { b.feedForward.layers.Dropout.P = p }, nil),
}

// eachBlock sets something of every block, and of those with cross-attention.
func eachBlock(set, setCross func(b *block, p float64)) func(m *Model, p float64) {
	return func(m *Model, p float64) {
		for _, b := range slices.Concat(m.encoder.blocks, m.decoder.blocks) {
			if set != nil {
				set(b, p)
			}
			if setCross != nil && b.cross != nil {
				setCross(b, p)
			}
		}
	}
}

// Where dropout takes all away, the logits do not depend on chance.
func TestDropoutIsWhereTransformersHasIt(t *testing.T) {
	const almostAll = 1 - 1e-12 // attention refuses 1
	for _, name := range cases {
		s := modeltest.NewScope(t)
		golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
		m := load32(t, filepath.Join("testdata", name))
		in := golden.Input()
		in.Train = true
		logits := func() *torch.Tensor { return decode(m, golden["decoder_input_ids"], models.Hidden(m, in), in) }
		for place, set := range dropouts {
			m.SetDropout(0)
			set(m, almostAll)
			modeltest.Within(t, name+", dropped "+place, logits(), golden["dropped."+place], modeltest.Tolerance)
		}
		m.SetDropout(0)
		modeltest.Within(t, name+", dropout set to 0", logits(), golden["logits"], modeltest.Tolerance)
		m.SetDropout(almostAll)
		if largest := logits().Abs().Max().Item(); largest != 0 {
			t.Errorf("%s: with all dropped a logit of %g is left", name, largest)
		}
	}
}

func TestPromptsOfBothStacks(t *testing.T) {
	for _, name := range cases {
		s := modeltest.NewScope(t)
		golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
		m := load32(t, filepath.Join("testdata", name))
		prompts := m.Registry().SoftPrompts()
		if len(prompts) != 2 || prompts[0].Name != "encoder" || prompts[1].Name != "decoder" {
			t.Fatalf("soft prompts %v, want the encoder's and the decoder's", prompts)
		}
		prompts[0].Vectors, prompts[1].Vectors = golden["encoder_prompt"], golden["decoder_prompt"]
		in := golden.Input()
		hidden := models.Hidden(m, in)
		modeltest.Within(t, name, decode(m, golden["decoder_input_ids"], hidden, in), golden["prompted"], modeltest.Tolerance)
		holdsGeneration(t, m, hidden, in)
	}
}

func TestRowsDoNotMeet(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "gated"))
	first, second := []int64{5, 17, 3, 28}, []int64{9, 9}
	start := torch.FromSlice(s, []int64{0, 9}, 1, 2)
	in := models.Rows(s, first)
	alone := decode(m, start, models.Hidden(m, in), in)
	in = models.Rows(s, second, first, second)
	among := decode(m, torch.FromSlice(s, []int64{0, 1, 0, 9, 0, 1}, 3, 2), models.Hidden(m, in), in)
	modeltest.Within(t, "logits among other rows", among.Narrow(0, 1, 1), alone, 1e-6)
}

// A causal decoder's logits do not depend on what comes later.
func TestDecoderLooksBackOnly(t *testing.T) {
	s := modeltest.NewScope(t)
	golden := modeltest.ReadGolden(t, s, "testdata", "tied", "golden.safetensors")
	m := load32(t, filepath.Join("testdata", "tied"))
	in := golden.Input()
	hidden := models.Hidden(m, in)
	ids := golden["decoder_input_ids"]
	modeltest.Within(t, "logits of a shorter input", decode(m, ids.Narrow(1, 0, 5), hidden, in),
		decode(m, ids, hidden, in).Narrow(1, 0, 5), 1e-6)
}

// holdsGeneration compares greedy texts with those written without a cache.
func holdsGeneration(t *testing.T, m *Model, hidden *torch.Tensor, in models.Input) {
	t.Helper()
	const length = 6
	rows := len(in.Lengths)
	ids := slices.Repeat([][]int64{{m.StartID()}}, rows)
	for range length {
		var flat []int64
		for row := range ids {
			ids[row] = slices.Clone(ids[row])
			flat = append(flat, ids[row]...)
		}
		logits := decode(m, torch.FromSlice(hidden.Scope(), flat, int64(rows), int64(len(ids[0]))), hidden, in)
		for row, id := range logits.Select(1, -1).ArgMax(-1).Int64s() {
			ids[row] = append(ids[row], id)
		}
	}
	want := make([][]int64, rows)
	for row := range ids {
		want[row] = ids[row][1:]
		if end := slices.IndexFunc(want[row], m.ends); end >= 0 {
			want[row] = want[row][:end+1]
		}
	}
	if got := m.Generate(hidden, in, models.GenerateOptions{MaxNewTokens: length}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("generated %v, without a cache %v", got, want)
	}
}

// Whatever a method puts in place of a layer is computed, with the cache and
// without.
func TestOverridesAreHonoured(t *testing.T) {
	for _, name := range cases {
		s := modeltest.NewScope(t)
		golden := modeltest.ReadGolden(t, s, "testdata", name, "golden.safetensors")
		m := load32(t, filepath.Join("testdata", name))
		in := golden.Input()
		logits := func() *torch.Tensor {
			return decode(m, golden["decoder_input_ids"], models.Hidden(m, in), in)
		}
		plain := logits()
		changes := func(what string) {
			t.Helper()
			if now := logits(); now.AllClose(plain, 1e-5, 1e-5) {
				t.Errorf("%s: an override of %s is not used", name, what)
			} else {
				plain = now
			}
		}
		for _, l := range m.Registry().Linears() {
			l.Override = func(x *torch.Tensor) *torch.Tensor {
				return torch.Linear(x, l.Weight.Tensor.In(x.Scope()).MulScalar(1.25), nil)
			}
			changes(l.Name)
		}
		for _, e := range m.Registry().Embeddings() {
			e.Override = func(ids *torch.Tensor) *torch.Tensor { return torch.Embedding(e.Weight.Tensor, ids).MulScalar(1.5) }
			changes(e.Weight.Name)
		}
		for _, l := range m.Registry().LayerNorms() {
			l.Override = func(x *torch.Tensor) *torch.Tensor {
				return l.Normalize(x, l.Weight.Tensor, nil).AddScalar(0.125)
			}
			changes(l.Weight.Name)
		}
		for _, b := range m.Registry().Sublayers() {
			b.Override = func(output, stream *torch.Tensor) *torch.Tensor { return b.Join(output.MulScalar(0.75), stream) }
			changes(b.Name)
		}
		holdsGeneration(t, m, models.Hidden(m, in), in)
	}
}

func TestLayersAreNamed(t *testing.T) {
	torchtest.NoLeaks(t)
	m := load32(t, filepath.Join("testdata", "gated")) // 3 blocks and 1
	counts := map[nn.Role]int{}
	for _, l := range m.Registry().Linears() {
		counts[l.Role]++
		if cross := strings.Contains(l.Name, "EncDecAttention"); cross != (l.Role == nn.CrossAttention) {
			t.Errorf("%s has role %d", l.Name, l.Role)
		}
	}
	for role, want := range map[nn.Role]int{
		nn.AttentionQuery: 4, nn.AttentionKey: 4, nn.AttentionValue: 4, nn.AttentionOutput: 4,
		nn.CrossAttention: 4, nn.FeedForward: 12, nn.RoleNone: 1,
	} {
		if counts[role] != want {
			t.Errorf("%d linears of role %d, want %d", counts[role], role, want)
		}
	}
	var names []string
	for _, b := range m.Registry().Sublayers() {
		names = append(names, fmt.Sprint(b.Name, " ", b.Role))
	}
	want := []string{
		"encoder.block.0.layer.0 0", "encoder.block.0.layer.1 2", "encoder.block.1.layer.0 0", "encoder.block.1.layer.1 2",
		"encoder.block.2.layer.0 0", "encoder.block.2.layer.1 2",
		"decoder.block.0.layer.0 0", "decoder.block.0.layer.1 1", "decoder.block.0.layer.2 2",
	}
	if !slices.Equal(names, want) {
		t.Errorf("sublayers %q, want %q", names, want)
	}
}

func TestIDsOutsideTheVocabulary(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "tied"))
	if err := torch.Try(func() { models.Hidden(m, models.Rows(s, []int64{31})) }); err == nil {
		t.Error("an id beyond the vocabulary is no error")
	}
}

func TestManyGoroutines(t *testing.T) {
	m := load32(t, filepath.Join("testdata", "gated"))
	run := func() string {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		in := models.Rows(s, []int64{5, 17, 3}, []int64{6, 1, 9})
		return fmt.Sprint(m.Generate(models.Hidden(m, in), in, models.GenerateOptions{MaxNewTokens: 5, NumBeams: 2}))
	}
	want := run()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 4 {
				if got := run(); got != want {
					t.Errorf("texts %v, want %v", got, want)
				}
			}
		})
	}
	group.Wait()
}

// What is computed again gives the gradients of what was kept, dropout and all.
func TestCheckpointsChangeNoGradient(t *testing.T) {
	for _, name := range cases {
		modeltest.CheckpointsChangeNothing(t, load32(t, filepath.Join("testdata", name)), func(m models.Model, in models.Input) *torch.Tensor {
			t5 := m.(*Model)
			return t5.Logits(t5.Decode([]int64{0, 5, 3, 0, 7}, []int64{3, 2}, models.Hidden(m, in), in)).Tanh().Sum()
		})
	}
}
