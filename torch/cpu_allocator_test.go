package torch_test

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// TestMemoryOfFreedTensorsIsUsedAgain counts page faults: memory that the
// system was given back costs one for each 4 KiB when it is written again.
func TestMemoryOfFreedTensorsIsUsedAgain(t *testing.T) {
	torchtest.NoLeaks(t)
	step := func() {
		s := torch.NewScope()
		defer s.Close()
		for i := range 8 {
			torch.Ones(s, torch.Float32, int64(1+i), 1<<18)
		}
	}
	step()
	before := pageFaults(t)
	for range 20 {
		step()
	}
	if n := pageFaults(t) - before; n > 36<<8/2 {
		t.Errorf("%d page faults in 20 steps, a step writes %d pages", n, 36<<8)
	}
}

func pageFaults(t *testing.T) int64 {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return usage.Minflt
}

// TestEmptyCache has a tensor that stays between two that are freed.
func TestEmptyCache(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	const n = 25 << 20
	first, stays, last := torch.Ones(s, torch.Float32, n), torch.Ones(s, torch.Float32, n), torch.Ones(s, torch.Float32, n)
	first.Close()
	last.Close()
	before := status(t, "VmRSS")
	torch.EmptyCache()
	if freed := before - status(t, "VmRSS"); freed < 2*4*n*9/10 {
		t.Errorf("resident memory fell by %d MiB, %d were freed", freed>>20, 2*4*n>>20)
	}
	again := torch.Full(s, 2, torch.Float32, n)
	if stays.Min().Item() != 1 || stays.Max().Item() != 1 || again.Min().Item() != 2 {
		t.Error("a tensor changed")
	}
}

// TestTensorsShareNoMemory makes and frees tensors of random sizes in many
// goroutines at once; each must still hold what was written when it is freed.
// The sizes also tell how much memory the holes between tensors waste.
func TestTensorsShareNoMemory(t *testing.T) {
	torchtest.NoLeaks(t)
	torch.EmptyCache()
	before := status(t, "VmRSS")
	const workers, alive, largest = 4, 12, 1 << 20
	var group sync.WaitGroup
	for worker := range uint64(workers) {
		group.Go(func() {
			s := torch.NewScope()
			defer s.Close()
			random := rand.New(rand.NewPCG(worker, 0))
			var tensors [alive]*torch.Tensor
			var values [alive]float64
			for turn := range 600 {
				i := random.IntN(alive)
				if old := tensors[i]; old != nil {
					if old.Min().Item() != values[i] || old.Max().Item() != values[i] {
						t.Errorf("turn %d: a tensor was written by another", turn)
					}
					old.Close()
				}
				values[i] = float64(worker<<20 + uint64(turn))
				tensors[i] = torch.Full(s, values[i], torch.Float32, 1+random.Int64N(largest))
			}
		})
	}
	group.Wait()
	// Half of the largest size each on average, a third more when most are large.
	if grown, used := status(t, "VmRSS")-before, int64(workers*alive*largest*4/2); grown > 2*used {
		t.Errorf("resident memory grew by %d MiB for tensors of %d MiB", grown>>20, used>>20)
	}
}
