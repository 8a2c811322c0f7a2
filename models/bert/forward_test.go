package bert

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gopet-ml/gopet/internal/modeltest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

func TestPaddingChangesNothing(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	ids := []int64{5, 17, 3, 60}
	alone := models.Logits(m, models.Input{IDs: torch.FromSlice(s, ids, 1, 4)})
	padded := models.Logits(m, models.Input{
		IDs:   torch.FromSlice(s, append(slices.Clone(ids), 9, 9, 9), 1, 7),
		Types: torch.Zeros(s, torch.Int64, 1, 7),
		Mask:  torch.FromSlice(s, []bool{true, true, true, true, false, false, false}, 1, 7),
	})
	modeltest.Within(t, "logits with padding", padded, alone, 1e-6)
}

func TestPool(t *testing.T) {
	s := modeltest.NewScope(t)
	hidden := torch.FromSlice(s, []float32{1, 2, 3, 4, 100, 200, 5, 6, 7, 8, 9, 10}, 2, 3, 2)
	masked := models.Input{Mask: torch.FromSlice(s, []bool{true, true, false, true, true, true}, 2, 3)}
	for _, test := range []struct {
		pooling Pooling
		in      models.Input
		want    []float32
	}{
		{PoolCLS, masked, []float32{1, 2, 5, 6}},
		{PoolMean, masked, []float32{2, 3, 7, 8}},
		{PoolMean, models.Input{}, []float32{104.0 / 3, 206.0 / 3, 7, 8}},
	} {
		got := Pool(hidden, test.in, test.pooling)
		modeltest.Within(t, string(test.pooling), got, torch.FromSlice(s, test.want, 2, 2), 1e-6)
	}
	if _, err := ParsePooling("max"); err == nil {
		t.Error("pooling max is not refused")
	}
}

func TestDropout(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	in := models.Input{IDs: torch.FromSlice(s, []int64{5, 17, 3, 60}, 2, 2)}
	logits := func(p float64, train bool) []float32 {
		m.SetDropout(p)
		torch.ManualSeed(3)
		in.Train = train
		return models.Logits(m, in).Float32s()
	}
	still := logits(0, true)
	if !slices.Equal(logits(0.5, false), still) {
		t.Error("dropout acts outside of training")
	}
	dropped := logits(0.5, true)
	if slices.Equal(dropped, still) {
		t.Error("dropout of 0.5 changes nothing in training")
	}
	if !slices.Equal(logits(0.5, true), dropped) {
		t.Error("one seed gave two results")
	}
}

func TestRolesOfLinears(t *testing.T) {
	m := load32(t, filepath.Join("testdata", "pooler"), []string{"a", "b"})
	counts := map[nn.Role]int{}
	for _, l := range m.Registry().Linears() {
		counts[l.Role]++
		if inside := strings.Contains(l.Weight.Name, "encoder.layer"); inside != (l.Role != nn.RoleNone) {
			t.Errorf("%s has role %d", l.Weight.Name, l.Role)
		}
	}
	for role, want := range map[nn.Role]int{
		nn.AttentionQuery: 3, nn.AttentionKey: 3, nn.AttentionValue: 3, nn.AttentionOutput: 3,
		nn.FeedForward: 6, nn.RoleNone: 2,
	} {
		if counts[role] != want {
			t.Errorf("%d linears of role %d, want %d", counts[role], role, want)
		}
	}
}

func TestIDsOutsideTheVocabulary(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	err := torch.Try(func() { models.Logits(m, models.Input{IDs: torch.FromSlice(s, []int64{61}, 1, 1)}) })
	if err == nil {
		t.Error("an id beyond the vocabulary is no error")
	}
}

func TestManyGoroutines(t *testing.T) {
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	run := func() []float32 {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		return models.Logits(m, models.Input{IDs: torch.FromSlice(s, []int64{5, 17, 3, 60}, 2, 2)}).Float32s()
	}
	want := run()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got := run(); !slices.Equal(got, want) {
					t.Errorf("logits %v, want %v", got, want)
				}
			}
		})
	}
	group.Wait()
}
