package plan

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// rounds is how often every operation is timed. In a round each has its turn,
// so that none finds the caches as it left them.
const rounds = 9

// Calibrate times operations on this machine, in float32 and bfloat16, and
// finds the rates that explain their times best. It takes some seconds.
func Calibrate(ctx context.Context, threads int) (*Calibration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	torch.SetNumThreads(threads)
	c := &Calibration{
		Version: calibrationVersion, Machine: ThisMachine(), Date: time.Now().UTC().Truncate(time.Second),
		Seconds: map[string]map[string]float64{},
	}
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		err := torch.Try(func() {
			s := torch.NewScope()
			defer s.Close()
			rates := measure(ctx, s, (&operands{scope: s, dtype: dtype}).probes())
			rates[updatedValues] = optimizerRate()
			c.set(dtype.String(), rates)
		})
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return c, nil
}

// measure times all probes and fits the rates to the medians.
func measure(ctx context.Context, s *torch.Scope, probes []*probe) work {
	forward, backward := make([][]float64, len(probes)), make([][]float64, len(probes))
	for round := range rounds + 1 {
		for i, p := range probes {
			if ctx.Err() != nil {
				return work{}
			}
			f, b := p.time(s)
			if round > 0 { // the first warms up
				forward[i], backward[i] = append(forward[i], f), append(backward[i], b)
			}
		}
	}
	var done []work
	var took []float64
	for i, p := range probes {
		var f, b work
		for _, o := range p.tape.operations {
			f.add(o.forward)
			b.add(o.backward)
		}
		done = append(done, f, b)
		took = append(took, median(forward[i]), median(backward[i]))
	}
	return fit(done, took)
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

// optimizerRate is the time of a value's update among many.
func optimizerRate() float64 {
	const values = 1 << 22
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	leaf := torch.Zeros(s, torch.Float32, values).Detach().SetRequiresGrad(true)
	optimizer := optim.NewAdamW([]optim.Param{{Name: "leaf", Leaf: leaf}}, optim.DefaultConfig())
	defer optimizer.Close()
	pass := torch.NewScope()
	leaf.In(pass).MulScalar(1).BackwardWith(torch.Ones(pass, torch.Float32, values))
	pass.Close()
	defer torch.ZeroGrad(leaf)
	var seconds []float64
	for range rounds {
		begin := time.Now()
		optimizer.Step(1e-6)
		seconds = append(seconds, time.Since(begin).Seconds())
	}
	return median(seconds) / values
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
