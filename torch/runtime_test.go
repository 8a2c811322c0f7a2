package torch_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

func TestSetNumThreads(t *testing.T) {
	torchtest.NoLeaks(t)
	defer torch.SetNumThreads(0)
	torch.SetNumThreads(0)
	automatic := torch.NumThreads()
	if automatic < 1 {
		t.Errorf("libtorch's own choice is %d threads", automatic)
	}
	for _, n := range []int{1, 2, 3} {
		torch.SetNumThreads(n)
		if got := torch.NumThreads(); got != n {
			t.Errorf("%d threads, want %d", got, n)
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				s := torch.NewScope()
				defer s.Close()
				if got := torch.Ones(s, torch.Float32, 100, 100).Sum().Item(); got != 10000 {
					t.Errorf("sum %v with %d threads", got, n)
				}
			})
		}
		group.Wait()
	}
	torch.SetNumThreads(0)
	if got := torch.NumThreads(); got != automatic {
		t.Errorf("%d threads after setting 0, want %d as before", got, automatic)
	}
	s := torch.NewScope()
	defer s.Close()
	if torch.Ones(s, torch.Float32, 3).Sum().Item() != 3 {
		t.Error("wrong sum after setting 0 threads")
	}
}

func TestVersionAndBuild(t *testing.T) {
	if got := torch.Version(); !strings.HasPrefix(got, "2.11.0") {
		t.Errorf("libtorch %s, want 2.11.0", got)
	}
	if torch.CPUCapability() == "" || !strings.Contains(torch.BuildConfig(), "GCC") {
		t.Error("libtorch does not describe itself")
	}
	torch.Synchronize(torch.CPU) // nothing to wait for
}

// Where there is a device its memory is counted, and elsewhere there is a reason.
func TestDeviceMemory(t *testing.T) {
	torchtest.NoLeaks(t)
	device := torch.CUDA(0)
	before, _, err := torch.DeviceMemory(device)
	reset := torch.ResetDevicePeak(device)
	if _, missing := torch.CUDADeviceCount(); missing != nil {
		if !errors.Is(err, torch.ErrDevice) || !errors.Is(reset, torch.ErrDevice) {
			t.Errorf("errors %v and %v, want an ErrDevice", err, reset)
		}
		return
	}
	if err != nil || reset != nil {
		t.Fatalf("errors %v and %v", err, reset)
	}
	const bytes = 4 << 20
	s := torch.NewScope()
	torch.Zeros(s, torch.Float32, bytes/4).ToDevice(device)
	s.Close()
	now, peak, err := torch.DeviceMemory(device)
	if err != nil || now != before || peak < before+bytes {
		t.Errorf("%d bytes now and %d at most, %v, after %d and %d more", now, peak, err, before, bytes)
	}
}
