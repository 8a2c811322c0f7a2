package plan

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// rounds is how often every operation is timed. In a round each has its turn,
// so that none finds the caches as it left them.
const rounds = 25

// Calibrate times operations of a dtype on this machine and finds the rates that
// explain their times best, beside those of other dtypes that c has; c may be
// nil. It takes some seconds. Of each operation's rounds the lower quartile
// counts: others at work on the machine only add, and a step has no fastest
// round of all its operations at once.
func Calibrate(ctx context.Context, c *Calibration, dtype torch.DType, threads int) (*Calibration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	torch.SetNumThreads(threads)
	made := &Calibration{
		Version: calibrationVersion, Machine: ThisMachine(), Date: time.Now().UTC().Truncate(time.Second),
		Seconds: map[string]map[string]float64{},
	}
	if c != nil && c.Machine == made.Machine {
		maps.Copy(made.Seconds, c.Seconds)
	}
	err := torch.Try(func() {
		s := torch.NewScope()
		defer s.Close()
		made.set(dtype.String(), measure(ctx, &operands{scope: s, dtype: dtype}))
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

// measure times all probes and the optimizer, and fits the rates to their times.
func measure(ctx context.Context, o *operands) work {
	probes, update := o.probes(), newUpdate()
	defer update.close()
	times := make([][]float64, 2*len(probes)+1) // of each round
	note := func(i int, seconds float64) { times[i] = append(times[i], seconds) }
	for range rounds {
		for i, p := range probes {
			if ctx.Err() != nil {
				return work{}
			}
			forward, backward := p.time(o.scope)
			note(2*i, forward)
			note(2*i+1, backward)
		}
		note(2*len(probes), update.time())
	}
	took := make([]float64, len(times))
	for i, list := range times {
		slices.Sort(list)
		took[i] = list[len(list)/4]
	}
	var done []work
	for _, p := range probes {
		var forward, backward work
		for _, o := range p.tape.operations {
			forward.add(o.forward)
			backward.add(o.backward)
		}
		done = append(done, forward, backward)
	}
	return fit(append(done, work{updatedValues: updateValues}), took)
}

// time is that of one forward and one backward pass.
func (p *probe) time(operands *torch.Scope) (forward, backward float64) {
	s := operands.NewScope()
	defer s.Close()
	begin := time.Now()
	y := p.run(s)
	forward = time.Since(begin).Seconds()
	gradient := torch.Full(s, 1e-3, y.DType(), y.Shape()...)
	begin = time.Now()
	y.BackwardWith(gradient)
	backward = time.Since(begin).Seconds()
	torch.ZeroGrad(p.leaves...)
	return forward, backward
}

// update is an optimizer's step of many values.
type update struct {
	leaf      *torch.Tensor
	optimizer *optim.AdamW
}

const updateValues = 1 << 22

func newUpdate() *update {
	s := torch.NewScope()
	defer s.Close()
	leaf := torch.Zeros(nil, torch.Float32, updateValues).SetRequiresGrad(true)
	leaf.In(s).MulScalar(1).BackwardWith(torch.Ones(s, torch.Float32, updateValues))
	return &update{leaf, optim.NewAdamW([]optim.Param{{Name: "leaf", Leaf: leaf}}, optim.DefaultConfig())}
}

func (u *update) time() float64 {
	begin := time.Now()
	u.optimizer.Step(1e-6)
	return time.Since(begin).Seconds()
}

func (u *update) close() {
	u.optimizer.Close()
	u.leaf.Close()
}
