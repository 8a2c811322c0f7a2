package torch_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

func TestResultsJoinTheInnermostScope(t *testing.T) {
	torchtest.NoLeaks(t)
	parameter := torch.Ones(nil, torch.Float32, 2)
	defer parameter.Close()
	outer := torch.NewScope()
	defer outer.Close()
	inner := outer.NewScope()
	a, b := torch.Ones(outer, torch.Float32, 2), torch.Ones(inner, torch.Float32, 2)
	for _, c := range []struct {
		name string
		got  *torch.Tensor
		want *torch.Scope
	}{
		{"outer with inner", a.Add(b), inner},
		{"inner with outer", b.Add(a), inner},
		{"outer alone", a.Neg(), outer},
		{"parameter with outer", parameter.Add(a), outer},
		{"a list", torch.Cat(0, parameter, a, b, a), inner},
		{"parameter lent a scope", parameter.In(inner).Neg(), inner},
	} {
		if c.got.Scope() != c.want {
			t.Errorf("%s: joined another scope", c.name)
		}
	}
	if parameter.Scope() != nil {
		t.Error("a parameter has a scope")
	}
	before := torch.LiveTensors()
	inner.Close()
	if freed := before - torch.LiveTensors(); freed != 6 {
		t.Errorf("closing the inner scope freed %d tensors, want 6", freed)
	}
	if a.Sum().Item() != 2 {
		t.Error("closing the inner scope touched the outer one")
	}
	inner.Close() // harmless
}

func TestClosingAScopeClosesThoseInside(t *testing.T) {
	torchtest.NoLeaks(t)
	outer := torch.NewScope()
	middle := outer.NewScope()
	x := torch.Ones(middle.NewScope(), torch.Float32, 2)
	outer.Close()
	if x.String() != "Tensor(freed)" {
		t.Errorf("after closing the outermost scope: %v", x)
	}
	x.Close()      // harmless
	middle.Close() // harmless
}

func TestKeepMovesOutwards(t *testing.T) {
	torchtest.NoLeaks(t)
	outer := torch.NewScope()
	inner := outer.NewScope()
	x := torch.Full(inner, 3, torch.Float32, 1)
	if inner.Keep(x).Scope() != outer {
		t.Error("Keep did not move to the parent")
	}
	inner.Close()
	if x.Item() != 3 {
		t.Error("a kept tensor was freed")
	}
	if outer.Keep(x).Scope() != nil {
		t.Error("Keep of an outermost scope did not detach")
	}
	outer.Close()
	if x.Item() != 3 {
		t.Error("a detached tensor was freed")
	}
	x.Close()
}

func TestInSharesDataAndGradient(t *testing.T) {
	torchtest.NoLeaks(t)
	parameter := torch.FromSlice(nil, []float64{2, 3}, 2).SetRequiresGrad(true)
	defer parameter.Close()
	s := torch.NewScope()
	defer s.Close()
	lent := parameter.In(s)
	lent.Mul(lent).Sum().Backward()
	if got := parameter.Grad(s).Float64s(); got[0] != 4 || got[1] != 6 {
		t.Errorf("gradient %v of the parameter through its alias", got)
	}
	lent.Fill(7)
	if parameter.Float64s()[1] != 7 {
		t.Error("the alias has other data")
	}
}

func TestClosingEarlyLeavesTheScopeUsable(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	x := torch.Ones(s, torch.Float32, 2)
	y := x.Neg()
	x.Close()
	if y.Sum().Item() != -2 {
		t.Error("closing an operand touched its result")
	}
}

func TestNoGradRecordsNothing(t *testing.T) {
	torchtest.NoLeaks(t)
	leaf := torch.Ones(nil, torch.Float32, 2).SetRequiresGrad(true)
	defer leaf.Close()
	plain := torch.NewScope()
	defer plain.Close()
	silent := plain.NewScope(torch.NoGrad())
	if !leaf.In(plain).Exp().RequiresGrad() {
		t.Error("a plain scope records nothing")
	}
	if leaf.In(silent).Exp().RequiresGrad() {
		t.Error("a NoGrad scope records")
	}
	if leaf.In(silent.NewScope()).Exp().RequiresGrad() {
		t.Error("a scope inside a NoGrad scope records")
	}
	if !leaf.In(plain).Exp().RequiresGrad() {
		t.Error("NoGrad outlives its calls")
	}
}

// TestModesFollowTheScopeAcrossThreads: goroutines of both modes take turns
// on the same OS threads.
func TestModesFollowTheScopeAcrossThreads(t *testing.T) {
	torchtest.NoLeaks(t)
	leaf := torch.Ones(nil, torch.Float32, 2).SetRequiresGrad(true)
	defer leaf.Close()
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			records := g%2 == 0
			var options []torch.ScopeOption
			if !records {
				options = append(options, torch.NoGrad())
			}
			s := torch.NewScope(options...)
			defer s.Close()
			for i := range 200 {
				if i%50 == g {
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
				}
				if leaf.In(s).Exp().Add(leaf).RequiresGrad() != records {
					t.Errorf("goroutine %d, turn %d: another goroutine's mode", g, i)
					return
				}
				runtime.Gosched()
			}
		})
	}
	group.Wait()
}

// TestErrorsDoNotCross: each goroutine gets the error of its own call.
func TestErrorsDoNotCross(t *testing.T) {
	torchtest.NoLeaks(t)
	var group sync.WaitGroup
	for g := range int64(8) {
		group.Go(func() {
			s := torch.NewScope()
			defer s.Close()
			x := torch.Ones(s, torch.Float32, g+2)
			for range 100 {
				err := torch.Try(func() { x.Reshape(g+2, 97) })
				if want := torch.Try(func() { x.Reshape(g+2, 97) }); err == nil || err.Error() != want.Error() {
					t.Errorf("goroutine %d got %v", g, err)
				}
			}
		})
	}
	group.Wait()
}
