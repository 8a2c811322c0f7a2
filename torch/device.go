package torch

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// Device is where tensors are: CPU, CUDA(n) or Meta.
type Device int32

const (
	CPU  Device = -1 // the host
	Meta Device = -2 // nowhere: tensors that have a shape and a dtype, and no elements
)

// CUDA is NVIDIA device n, from 0.
func CUDA(n int) Device { return Device(n) }

// IsCUDA reports whether d is an NVIDIA device.
func (d Device) IsCUDA() bool { return d >= 0 }

// String is PyTorch's name: "cpu", "meta" or "cuda:n".
func (d Device) String() string {
	switch d {
	case CPU:
		return "cpu"
	case Meta:
		return "meta"
	}
	return fmt.Sprintf("cuda:%d", int32(d))
}

// ParseDevice returns the device named "cpu", "cuda" (the first), "cuda:n", or
// "auto" (the first CUDA device where one works, else the CPU). Asked for CUDA
// by name, it never falls back: the error says why there is none.
func ParseDevice(name string) (Device, error) {
	switch {
	case name == "cpu":
		return CPU, nil
	case name == "auto":
		if _, err := CUDADeviceCount(); err != nil {
			return CPU, nil
		}
		return CUDA(0), nil
	case name == "cuda":
		return cudaDevice(name, 0)
	case strings.HasPrefix(name, "cuda:"):
		n, err := strconv.Atoi(name[len("cuda:"):])
		if err != nil || n < 0 {
			return 0, fmt.Errorf("device %q: want cuda:N, numbered from 0", name)
		}
		return cudaDevice(name, n)
	}
	return 0, fmt.Errorf("device %q: want auto, cpu or cuda[:n]", name)
}

func cudaDevice(name string, n int) (Device, error) {
	count, err := CUDADeviceCount()
	if err != nil {
		return 0, fmt.Errorf("device %q: %w", name, err)
	}
	if n >= count {
		return 0, fmt.Errorf("device %q: this machine has %d CUDA device(s), numbered from 0", name, count)
	}
	return CUDA(n), nil
}

// CUDADeviceCount loads the CUDA libraries on first use and counts the
// devices; the error, of kind ErrDevice, says why there is none.
func CUDADeviceCount() (int, error) { return ctorch.CUDADeviceCount() }

// CUDAKernels loads the kernels for GPUs that are gopet's own, on first use; an
// error of kind ErrDevice says why libtorch's operations are composed in their
// place.
func CUDAKernels() error { return ctorch.CUDAKernels() }

// Synchronize waits for the work queued on d. On the CPU there is none.
func Synchronize(d Device) { must(ctorch.Synchronize(int32(d))) }

// DeviceMemory is how many bytes of a CUDA device tensors have now, and the most
// they had since ResetDevicePeak or since the process began. The CPU's memory
// is the process's, and the system tells it.
func DeviceMemory(d Device) (now, peak int64, err error) { return ctorch.DeviceMemory(int32(d)) }

// ResetDevicePeak lets DeviceMemory's peak count from now.
func ResetDevicePeak(d Device) error { return ctorch.ResetDevicePeak(int32(d)) }
