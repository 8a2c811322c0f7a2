package doctor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// Kernel is one kernel beside its reference.
type Kernel struct {
	Name     string  `json:"name"`
	Device   string  `json:"device"`
	MaxError float64 `json:"max_error"` // largest difference over the largest magnitude
	Bound    float64 `json:"bound"`
	OK       bool    `json:"ok"`
	Seconds  float64 `json:"seconds"`
	Ratio    float64 `json:"ratio"` // of its time to the reference's
}

// maskedCase is a shape at which the masked gradient is checked: every every-th
// entry is wanted.
type maskedCase struct {
	tokens, out, in, every int64
}

// Sparse and dense enough that each way of computing it is taken.
var maskedCases = []maskedCase{{512, 384, 384, 499}, {512, 384, 1536, 61}, {512, 1536, 384, 3}}

func checkKernels(device torch.Device) []Kernel {
	var kernels []Kernel
	bounds := map[torch.DType]float64{torch.Float32: 2e-5, torch.BFloat16: 3e-2, torch.Float16: 5e-3}
	dtypes := []torch.DType{torch.Float32, torch.BFloat16}
	if device.IsCUDA() {
		dtypes = append(dtypes, torch.Float16)
	}
	for _, dtype := range dtypes {
		for _, c := range maskedCases {
			kernels = append(kernels, checkMaskedGradient(c, device, dtype))
		}
		for _, o := range operations() {
			// On a CPU in bfloat16 these would be libtorch's own: ours has norms in float32.
			if device.IsCUDA() || !o.onlyCUDA && dtype == torch.Float32 {
				kernels = append(kernels, o.check(device, dtype, bounds[dtype]))
			}
		}
	}
	if device.IsCUDA() {
		kernels = append(kernels, checkAdamW(device))
	}
	return kernels
}

// checkMaskedGradient compares with the same entries of the dense product, in
// float64, and times with it in the same dtype. Whatever that is, sums are of
// float32.
func checkMaskedGradient(c maskedCase, device torch.Device, dtype torch.DType) Kernel {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	dy := torch.Normal(s, 0, 1, 1, torch.Float32, c.tokens, c.out).To(dtype, device)
	x := torch.Normal(s, 0, 1, 2, torch.Float32, c.tokens, c.in).To(dtype, device)
	var positions []int64
	for at := int64(0); at < c.out*c.in; at += c.every {
		positions = append(positions, at)
	}
	index := torch.FromSlice(s, positions, int64(len(positions))).ToDevice(device)

	entries := func(dy, x *torch.Tensor) *torch.Tensor { return dy.Transpose(0, 1).MatMul(x).Take(index) }
	ours := torch.MaskedGradient(dy, x, index)
	reference := entries(dy.ToDType(torch.Float64), x.ToDType(torch.Float64))
	seconds, ratio := compareTimes(device, func() { torch.MaskedGradient(dy, x, index) }, func() { entries(dy, x) })

	k := Kernel{
		Name:   fmt.Sprintf("masked gradient %dx%d, 1 entry in %d, %v", c.out, c.in, c.every, dtype),
		Device: device.String(), Bound: 1e-5, Seconds: seconds, Ratio: ratio,
	}
	k.MaxError = largestError([]*torch.Tensor{ours}, []*torch.Tensor{reference})
	k.OK = k.MaxError <= k.Bound
	return k
}

// compareTimes is the median time of f and its median ratio to that of g,
// taken in turn.
func compareTimes(device torch.Device, f, g func()) (seconds, ratio float64) {
	const rounds = 9
	timed := func(f func()) float64 {
		begin := time.Now()
		f()
		torch.Synchronize(device)
		return time.Since(begin).Seconds()
	}
	var times, ratios []float64
	timed(f)
	timed(g)
	for range rounds {
		a, b := timed(f), timed(g)
		times, ratios = append(times, a), append(ratios, a/b)
	}
	slices.Sort(times)
	slices.Sort(ratios)
	return times[rounds/2], ratios[rounds/2]
}

// reason is the message of a torch error without the operation's name.
func reason(err error) string {
	if failure, ok := errors.AsType[*torch.Error](err); ok {
		return failure.Msg
	}
	return err.Error()
}
