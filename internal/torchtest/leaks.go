// Package torchtest helps the tests of everything that uses tensors: each must
// end with as many live tensors as it began with.
package torchtest

import (
	"fmt"
	"os"
	"testing"

	"github.com/gopet-ml/gopet/torch"
)

// Device is where tests that can run anywhere put their tensors:
// GOPET_TEST_DEVICE, as [torch.ParseDevice] reads it, else the CPU.
var Device = device()

// GPUKernels says that gopet's kernels for GPUs compute: on a GPU, or built
// for the CPU, in the library that GOPET_KERNELS names.
var GPUKernels = Device.IsCUDA() || os.Getenv("GOPET_KERNELS") != ""

func device() torch.Device {
	name := os.Getenv("GOPET_TEST_DEVICE")
	if name == "" {
		return torch.CPU
	}
	device, err := torch.ParseDevice(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "GOPET_TEST_DEVICE:", err)
		os.Exit(1)
	}
	return device
}

// NoLeaks fails the test if tensors made from here on are alive at its end.
// It is not for parallel tests, which share one count.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := torch.LiveTensors()
	t.Cleanup(func() {
		if live := torch.LiveTensors(); live != before {
			t.Errorf("%d tensors are alive at the end, %d were at the start", live, before)
		}
	})
}

// Main runs a package's tests and exits: with an error too if any tensor is
// alive at the end.
func Main(m *testing.M) {
	os.Setenv("HF_HUB_OFFLINE", "1") // no test asks the Hub itself
	code := m.Run()
	if live := torch.LiveTensors(); live != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors are alive after all tests\n", live)
		code = 1
	}
	os.Exit(code)
}
