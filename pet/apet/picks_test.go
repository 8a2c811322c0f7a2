package apet

import (
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// TestPicksAreThePapers holds the shuffles and first fits to those of the same
// lists in Python, of T5s among them.
func TestPicksAreThePapers(t *testing.T) {
	draws := 0
	for _, model := range readGolden(t).Picks {
		for _, want := range model.Draws {
			var added, own []group
			for _, sizes := range model.Added {
				added = append(added, group{sizes: sizes, linear: &nn.Linear{}})
			}
			for _, size := range model.Own {
				own = append(own, group{sizes: []int64{size}, own: &nn.Parameter{}})
			}
			addedAt, ownAt := map[*nn.Linear]int{}, map[*nn.Parameter]int{}
			for i, g := range added {
				addedAt[g.linear] = i
			}
			for i, g := range own {
				ownAt[g.own] = i
			}
			takenAdded, takenOwn := draw(added, own, want.Budget, integer(t, want.Seed).Uint64())
			gotAdded, gotOwn := []int{}, []int{}
			for _, g := range takenAdded {
				gotAdded = append(gotAdded, addedAt[g.linear])
			}
			for _, g := range takenOwn {
				gotOwn = append(gotOwn, ownAt[g.own])
			}
			if !slices.Equal(gotAdded, want.PickedAdded) || !slices.Equal(gotOwn, want.PickedOwn) {
				t.Errorf("budget %d, seed %s: %d and %d, in Python %d and %d",
					want.Budget, want.Seed, gotAdded, gotOwn, want.PickedAdded, want.PickedOwn)
			}
			draws++
		}
	}
	if draws < 30 {
		t.Errorf("only %d draws", draws)
	}
}

// The order of candidates is the model's, layer by layer.
func TestAddableModules(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.TiedT5, torch.Float32)
	groups, err := addable(m.Registry(), pet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range groups {
		if g.linear != nil {
			names = append(names, g.linear.Name)
		} else {
			names = append(names, g.sublayer.Name)
		}
	}
	want := []string{
		"encoder.block.0.layer.0.SelfAttention.q", "encoder.block.0.layer.0.SelfAttention.v", "encoder.block.0.layer.0", "encoder.block.0.layer.1",
		"encoder.block.1.layer.0.SelfAttention.q", "encoder.block.1.layer.0.SelfAttention.v", "encoder.block.1.layer.0", "encoder.block.1.layer.1",
		"decoder.block.0.layer.0.SelfAttention.q", "decoder.block.0.layer.0.SelfAttention.v", "decoder.block.0.layer.0", "decoder.block.0.layer.2",
	}
	if len(names) != 4*5 || !slices.Equal(names[:len(want)], want) {
		t.Errorf("%q, want %q ...", names, want)
	}
	if got := groups[0].sizes; !slices.Equal(got, []int64{8 * 8, 15 * 8}) {
		t.Errorf("a pair of %d", got)
	}
	if got := groups[2].sizes; !slices.Equal(got, []int64{24 * 8, 24, 8 * 24, 8}) {
		t.Errorf("a bottleneck of %d", got)
	}
}

func TestModulesRefuse(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	for want, o := range map[string]pet.Options{
		"k = -1: want 0 or more":                  {K: -1},
		`targets "querty" name none of the model`: {K: 10, Targets: "querty"},
	} {
		if _, err := pet.Attach(m, pettest.Method(t, "apet-modules"), o, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", o, err, want)
		}
	}
}

// Targets limit what is picked of the base; nothing is too small a budget.
func TestModulesKeepToTargets(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	attached := pettest.Attach(t, m, "apet-modules", pet.Options{K: 1000, Targets: `.*\.bias`, Seed: 2}, true)
	own := 0
	for _, p := range attached.Tuning.Params() {
		if parameter, ok := m.Registry().Lookup(p.Name); ok {
			own++
			if !strings.HasSuffix(parameter.Name, ".bias") {
				t.Errorf("%s is tuned", parameter.Name)
			}
		}
	}
	if own == 0 {
		t.Error("nothing of the base is tuned")
	}
	attached.Detach()
	none := pettest.Attach(t, m, "apet-modules", pet.Options{}, true)
	defer none.Detach()
	if none.Count() != 0 || len(none.Tuning.Params()) != 0 {
		t.Errorf("%d entries of a budget of 0", none.Count())
	}
}
