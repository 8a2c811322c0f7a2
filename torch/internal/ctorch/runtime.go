package ctorch

// #include "gopet_torch.h"
import "C"

import "unsafe"

// Version is the version of libtorch that the shim was built against.
func Version() string { return C.GoString(C.gt_libtorch_version()) }

// BuildConfig is libtorch's own description of its build, in many lines.
func BuildConfig() string {
	text := C.gt_build_config()
	defer C.gt_free(unsafe.Pointer(text))
	return C.GoString(text)
}

// CPUCapability is the vector instruction set libtorch uses, such as "AVX512".
func CPUCapability() string { return C.GoString(C.gt_cpu_capability()) }

// LiveTensors counts the handles not yet freed.
func LiveTensors() int64 { return int64(C.gt_live_tensors()) }

// EmptyCache gives memory that is kept for tensors on the CPU back.
func EmptyCache() { C.gt_empty_cache() }

// SetNumThreads sets how many threads each later call may use.
func SetNumThreads(n int) { C.gt_set_num_threads(C.int32_t(n)) }

// NumThreads is the number of threads a call may use.
func NumThreads() int { return int(C.gt_num_threads()) }

// ManualSeed seeds the default generators of all devices.
func ManualSeed(seed uint64) error { return check("manual_seed", C.gt_manual_seed(C.uint64_t(seed))) }

// RNGState copies the state of the CPU's default generator.
func RNGState(out *Handle) error { return check("get_rng_state", C.gt_rng_state(cOut(out))) }

// SetRNGState restores what RNGState copied.
func SetRNGState(state Handle) error {
	return check("set_rng_state", C.gt_set_rng_state(C.gt_tensor(state)))
}

// CUDADeviceCount loads libtorch's CUDA libraries and counts the devices; the
// error says why there is none.
func CUDADeviceCount() (int, error) {
	var n C.int32_t
	err := check("cuda", C.gt_cuda_device_count(&n))
	return int(n), err
}

// CUDAKernels loads gopet's own kernels for GPUs; the error says why it cannot.
func CUDAKernels() error { return check("cuda_kernels", C.gt_cuda_kernels()) }

// DeviceMemory is how many bytes of a CUDA device tensors have now, and the most
// they had since ResetDevicePeak.
func DeviceMemory(device int32) (now, peak int64, err error) {
	var n, p C.int64_t
	err = check("device_memory", C.gt_device_memory(&n, &p, C.int32_t(device)))
	return int64(n), int64(p), err
}

// ResetDevicePeak lets DeviceMemory's peak count from now.
func ResetDevicePeak(device int32) error {
	return check("reset_device_peak", C.gt_reset_device_peak(C.int32_t(device)))
}

// Synchronize waits for the work queued on a device (-1: the CPU).
func Synchronize(device int32) error {
	return check("synchronize", C.gt_synchronize(C.int32_t(device)))
}
