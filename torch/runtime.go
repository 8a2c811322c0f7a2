package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// Version is the version of libtorch that gopet was built against.
func Version() string { return ctorch.Version() }

// BuildConfig is libtorch's description of how it was built, in many lines.
func BuildConfig() string { return ctorch.BuildConfig() }

// CPUCapability is the vector instruction set that libtorch's kernels use
// here, such as "AVX2" or "AVX512".
func CPUCapability() string { return ctorch.CPUCapability() }

// LiveTensors counts the tensors that have not been freed. A program that
// closes its scopes ends with the number it began with.
func LiveTensors() int64 { return ctorch.LiveTensors() }

// EmptyCache gives the system back what freed tensors on the CPU leave behind:
// their memory is kept for tensors to come. It is worth a call where memory
// was needed that will not be needed again.
func EmptyCache() { ctorch.EmptyCache() }

// SetNumThreads sets how many threads one operation may use, in every
// goroutine, from the next call on. 0 leaves it to libtorch.
func SetNumThreads(n int) { ctorch.SetNumThreads(n) }

// NumThreads is the number of threads one operation may use.
func NumThreads() int { return ctorch.NumThreads() }

// ManualSeed seeds the generators that dropout draws from, on all devices.
func ManualSeed(seed uint64) { must(ctorch.ManualSeed(seed)) }

// RNGState is the state of the CPU generator that dropout draws from, as uint8.
func RNGState(s *Scope) *Tensor { return create(s, ctorch.RNGState) }

// SetRNGState restores what RNGState returned.
func SetRNGState(state *Tensor) { must(ctorch.SetRNGState(state.h("set_rng_state"))) }
