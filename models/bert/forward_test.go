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

func TestRowsDoNotMeet(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	first, second := []int64{5, 17, 3, 60}, []int64{9, 9}
	alone := models.Logits(m, models.Rows(s, first))
	among := models.Logits(m, models.Rows(s, second, first, second))
	modeltest.Within(t, "logits among other rows", among.Narrow(0, 1, 1), alone, 1e-6)
}

func TestPool(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	hidden := torch.FromSlice(s, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 5, 2)
	in := models.Input{Scope: s, Lengths: []int64{2, 3}}
	for pooling, want := range map[Pooling][]float32{
		PoolCLS: {1, 2, 5, 6}, PoolMean: {2, 3, 7, 8},
	} {
		modeltest.Within(t, string(pooling), m.Pool(hidden, in, pooling), torch.FromSlice(s, want, 2, 2), 1e-6)
	}
	if _, err := ParsePooling("max"); err == nil {
		t.Error("pooling max is not refused")
	}
}

func TestDropout(t *testing.T) {
	s := modeltest.NewScope(t)
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	in := models.Rows(s, []int64{5, 17}, []int64{3, 60})
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
	err := torch.Try(func() { models.Logits(m, models.Rows(s, []int64{61})) })
	if err == nil {
		t.Error("an id beyond the vocabulary is no error")
	}
}

func TestManyGoroutines(t *testing.T) {
	m := load32(t, filepath.Join("testdata", "classifier"), nil)
	run := func() []float32 {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		return models.Logits(m, models.Rows(s, []int64{5, 17}, []int64{3, 60})).Float32s()
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

// What is computed again gives the gradients of what was kept, dropout and all.
func TestCheckpointsChangeNoGradient(t *testing.T) {
	modeltest.CheckpointsChangeNothing(t, load32(t, filepath.Join("testdata", "classifier"), nil), func(m models.Model, in models.Input) *torch.Tensor {
		return models.Logits(m, in).Sum()
	})
}
