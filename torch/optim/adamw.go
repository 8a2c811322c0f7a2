package optim

import (
	"fmt"

	"github.com/gopet-ml/gopet/torch"
)

// Param is one tensor that AdamW updates.
type Param struct {
	Name string
	// Leaf receives the gradient. Unless Weight is set it is also what is
	// updated, in its own precision when that is float32 or float64, else
	// through a float32 master copy.
	Leaf *torch.Tensor
	// Weight, when set, gets Leaf's new values written through: at Index
	// (flat positions, int64) where that is set, in Weight's own dtype.
	Weight, Index *torch.Tensor
	// Decay says whether weight decay shrinks it.
	Decay bool
}

// Config holds the constants of AdamW.
type Config struct {
	Beta1, Beta2, Eps float64
	WeightDecay       float64 // of the parameters with Decay
	MaxNorm           float64 // gradients are scaled to this global norm; 0: never
}

// DefaultConfig is transformers' default: betas 0.9 and 0.999, eps 1e-8, no
// decay, gradients clipped to norm 1.
func DefaultConfig() Config { return Config{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, MaxNorm: 1} }

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter, arXiv
// 1711.05101), as torch.optim.AdamW computes it.
type AdamW struct {
	config Config
	params []Param
	state  []state
	steps  []torch.AdamWParam
	step   int64
}

type state struct {
	master, expAvg, expAvgSq *torch.Tensor
	ownsMaster               bool
}

// NewAdamW makes an optimizer with zero moments. The caller closes it.
func NewAdamW(params []Param, config Config) *AdamW {
	a := &AdamW{config: config, params: params}
	for _, p := range params {
		s := newState(p.Leaf)
		a.state = append(a.state, s)
		decay := 0.0
		if p.Decay {
			decay = config.WeightDecay
		}
		step := torch.AdamWParam{
			Leaf: p.Leaf, Master: s.master, ExpAvg: s.expAvg, ExpAvgSq: s.expAvgSq,
			Weight: p.Weight, Index: p.Index, WeightDecay: decay,
		}
		if s.ownsMaster {
			step.Weight = p.Leaf
		}
		a.steps = append(a.steps, step)
	}
	return a
}

func newState(leaf *torch.Tensor) state {
	scope := torch.NewScope(torch.NoGrad())
	defer scope.Close()
	s := state{master: leaf}
	if dtype := leaf.DType(); dtype != torch.Float32 && dtype != torch.Float64 {
		s.master, s.ownsMaster = scope.Keep(leaf.In(scope).ToDType(torch.Float32)), true
	}
	zero := s.master.In(scope).Detach().MulScalar(0)
	s.expAvg, s.expAvgSq = scope.Keep(zero.Clone()), scope.Keep(zero.Clone())
	return s
}

// Result is what a step did.
type Result struct {
	GradNorm float64 // global 2-norm, before clipping
	Skipped  bool    // the norm was NaN or infinite: nothing was changed
}

// Step updates every parameter at this learning rate. A parameter without a
// gradient counts as having zeros.
func (a *AdamW) Step(lr float64) Result {
	norm, skipped := torch.AdamW(a.steps, torch.AdamWOptions{
		LR: lr, Beta1: a.config.Beta1, Beta2: a.config.Beta2, Eps: a.config.Eps,
		MaxNorm: a.config.MaxNorm, Step: a.step + 1,
	})
	if !skipped {
		a.step++
	}
	return Result{GradNorm: norm, Skipped: skipped}
}

// ZeroGrad drops the gradients of all parameters.
func (a *AdamW) ZeroGrad() {
	leaves := make([]*torch.Tensor, len(a.params))
	for i, p := range a.params {
		leaves[i] = p.Leaf
	}
	torch.ZeroGrad(leaves...)
}

// Steps is the number of updates made so far.
func (a *AdamW) Steps() int64 { return a.step }

// State lists the tensors that a checkpoint must keep to go on exactly: the
// moments of every parameter and the master copies, named after it.
func (a *AdamW) State() []Param {
	var list []Param
	for i, p := range a.params {
		s := a.state[i]
		list = append(list, Param{Name: p.Name + ".exp_avg", Leaf: s.expAvg}, Param{Name: p.Name + ".exp_avg_sq", Leaf: s.expAvgSq})
		if s.ownsMaster {
			list = append(list, Param{Name: p.Name + ".master", Leaf: s.master})
		}
	}
	return list
}

// Resume sets the number of updates made, after the tensors of State have
// been filled from a checkpoint.
func (a *AdamW) Resume(steps int64) error {
	if steps < 0 {
		return fmt.Errorf("optimizer state with %d steps", steps)
	}
	a.step = steps
	return nil
}

// Close frees the moments and master copies.
func (a *AdamW) Close() {
	for _, s := range a.state {
		s.expAvg.Close()
		s.expAvgSq.Close()
		if s.ownsMaster {
			s.master.Close()
		}
	}
}
