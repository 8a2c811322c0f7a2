// Package doctor finds out what is installed, what is not and why, and holds
// gopet's own kernels to libtorch's on the device at hand.
package doctor

import (
	"runtime"

	"github.com/gopet-ml/gopet/internal/version"
	"github.com/gopet-ml/gopet/torch"
)

// Report is what was found.
type Report struct {
	Gopet    string   `json:"gopet"`
	Libtorch string   `json:"libtorch"`
	Go       string   `json:"go"`
	System   string   `json:"system"`
	Vector   string   `json:"vector_instructions"`
	Threads  int      `json:"threads"`
	CUDA     CUDA     `json:"cuda"`
	Kernels  []Kernel `json:"kernels"`
}

// CUDA says whether NVIDIA devices can be used.
type CUDA struct {
	Devices int    `json:"devices"`
	Reason  string `json:"reason,omitempty"` // why there is none
	// NoKernels says why gopet's own kernels do not compute on them, and
	// libtorch's operations are composed in their place.
	NoKernels string `json:"no_kernels,omitempty"`
}

// Healthy reports whether every kernel agrees with its reference.
func (r *Report) Healthy() bool {
	for _, k := range r.Kernels {
		if !k.OK {
			return false
		}
	}
	return true
}

// Examine looks at this machine and checks the kernels on a device.
func Examine(device torch.Device) (*Report, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &Report{
		Gopet: version.Version, Libtorch: torch.Version(), Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Vector: torch.CPUCapability(), Threads: torch.NumThreads(),
	}
	var err error
	if r.CUDA.Devices, err = torch.CUDADeviceCount(); err != nil {
		r.CUDA.Reason = reason(err)
	}
	if err := torch.CUDAKernels(); err != nil {
		r.CUDA.NoKernels = reason(err)
	}
	err = torch.Try(func() { r.Kernels = checkKernels(device) })
	return r, err
}
