package apet

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/adapter"
	"github.com/gopet-ml/gopet/pet/lora"
	"github.com/gopet-ml/gopet/torch/nn"
)

// picks are whole tensors to tune: of the model's own, and in added modules.
type picks struct {
	linears   []*nn.Linear    // that get LoRA's pair of matrices
	sublayers []*nn.Sublayer  // that get a bottleneck
	own       []*nn.Parameter // of the base
}

// group are tensors that are picked together or not at all.
type group struct {
	sizes    []int64
	linear   *nn.Linear   // whose pair they are, or
	sublayer *nn.Sublayer // whose bottleneck, or
	own      *nn.Parameter
}

// pick chooses as the code of arXiv 2306.02320 does: after random.seed(budget *
// seed) Python's random.shuffle orders the modules that may be added, then the
// tensors of the base, and each list is taken by first fit for half the budget.
func pick(m pet.Model, o pet.Options) (picks, error) {
	if o.K < 0 {
		return picks{}, fmt.Errorf("apet-modules: k = %d: want 0 or more", o.K)
	}
	targets, err := pet.Targets(m, o.Targets)
	if err != nil {
		return picks{}, fmt.Errorf("apet-modules: %w", err)
	}
	added, err := addable(m.Registry(), o)
	if err != nil {
		return picks{}, err
	}
	var own []group
	for _, p := range targets {
		own = append(own, group{sizes: []int64{p.NumEl()}, own: p})
	}
	added, own = draw(added, own, o.K, o.Seed)
	return inOrder(m.Registry(), append(added, own...)), nil
}

// draw shuffles two lists and takes some of each.
func draw(added, own []group, budget int64, seed uint64) (takenAdded, takenOwn []group) {
	r := newPythonRandom(new(big.Int).Mul(big.NewInt(budget), new(big.Int).SetUint64(seed)))
	shuffle(r, added)
	shuffle(r, own)
	return firstFit(added, budget/2), firstFit(own, budget/2)
}

// addable lists the modules that may be added, layer by layer: LoRA on the
// query and on the value, bottlenecks behind self-attention and behind the
// feed-forward block.
func addable(r *nn.Registry, o pet.Options) ([]group, error) {
	kinds := make([][]group, 4)
	for _, l := range r.Linears() {
		specs, err := lora.Specs(o, l)
		if err != nil {
			return nil, err
		}
		switch l.Role {
		case nn.AttentionQuery:
			kinds[0] = append(kinds[0], group{sizes: sizes(specs), linear: l})
		case nn.AttentionValue:
			kinds[1] = append(kinds[1], group{sizes: sizes(specs), linear: l})
		}
	}
	for _, s := range r.Sublayers() {
		specs, err := adapter.Specs(o, s)
		if err != nil {
			return nil, err
		}
		switch s.Role {
		case nn.SelfAttentionSublayer:
			kinds[2] = append(kinds[2], group{sizes: sizes(specs), sublayer: s})
		case nn.FeedForwardSublayer:
			kinds[3] = append(kinds[3], group{sizes: sizes(specs), sublayer: s})
		}
	}
	return inTurn(kinds), nil
}

// inTurn takes the first of each list, then the second of each, and so on.
func inTurn(lists [][]group) []group {
	var all []group
	for i, left := 0, true; left; i++ {
		left = false
		for _, list := range lists {
			if i < len(list) {
				all, left = append(all, list[i]), true
			}
		}
	}
	return all
}

func sizes(specs []pet.TensorSpec) []int64 {
	list := make([]int64, len(specs))
	for i, s := range specs {
		list[i] = s.NumEl()
	}
	return list
}

// firstFit takes each group whose first tensor is not larger than what is left
// of the budget, though all of it may be: the budget is overdrawn at most once.
func firstFit(groups []group, budget int64) []group {
	var taken []group
	for _, g := range groups {
		if budget <= 0 {
			break
		}
		if g.sizes[0] > budget {
			continue
		}
		taken = append(taken, g)
		for _, size := range g.sizes {
			budget -= size
		}
	}
	return taken
}

// inOrder sorts what was taken into the model's order.
func inOrder(r *nn.Registry, taken []group) picks {
	has := func(match func(group) bool) bool { return slices.ContainsFunc(taken, match) }
	var p picks
	for _, l := range r.Linears() {
		if has(func(g group) bool { return g.linear == l }) {
			p.linears = append(p.linears, l)
		}
	}
	for _, s := range r.Sublayers() {
		if has(func(g group) bool { return g.sublayer == s }) {
			p.sublayers = append(p.sublayers, s)
		}
	}
	for _, own := range r.Parameters() {
		if has(func(g group) bool { return g.own == own }) {
			p.own = append(p.own, own)
		}
	}
	return p
}
