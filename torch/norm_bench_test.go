package torch_test

import (
	"testing"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

type normOperands struct{ x, residual, weight, bias *torch.Tensor }

// rmsNormByParts is T5's layer norm as transformers has it.
func rmsNormByParts(o normOperands) *torch.Tensor {
	variance := o.x.PowScalar(2).MeanDim(true, -1)
	return o.x.Mul(variance.AddScalar(1e-6).Rsqrt()).Mul(o.weight)
}

// BenchmarkNorm times norms forward and backward, of frozen weights, and
// prints their ratio to libtorch's single operations.
func BenchmarkNorm(b *testing.B) {
	const tokens = 2048
	for _, c := range []struct {
		name            string
		dim             int64
		fused, composed func(o normOperands) *torch.Tensor
	}{
		{"AddLayerNorm", 384, func(o normOperands) *torch.Tensor {
			return torch.AddLayerNorm(o.x, o.residual, o.weight, o.bias, 1e-12)
		}, func(o normOperands) *torch.Tensor {
			return torch.LayerNorm(o.x.Add(o.residual), o.weight, o.bias, 1e-12)
		}},
		{"RMSNorm", 768, func(o normOperands) *torch.Tensor {
			return torch.RMSNorm(o.x, o.weight, 1e-6)
		}, rmsNormByParts},
		{"AddRMSNorm", 768, func(o normOperands) *torch.Tensor {
			sum, normed := torch.AddRMSNorm(o.x, o.residual, o.weight, 1e-6)
			return sum.Add(normed)
		}, func(o normOperands) *torch.Tensor {
			o.x = o.x.Add(o.residual)
			return o.x.Add(rmsNormByParts(o))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := torch.NewScope()
			defer s.Close()
			o := normOperands{
				torch.Normal(s, 0, 1, 1, torch.Float32, tokens, c.dim).SetRequiresGrad(true), torch.Normal(s, 0, 1, 2, torch.Float32, tokens, c.dim),
				torch.Normal(s, 1, 1, 3, torch.Float32, c.dim), torch.Normal(s, 0, 1, 4, torch.Float32, c.dim),
			}
			cotangent := torch.Normal(s, 0, 1, 5, torch.Float32, tokens, c.dim)
			step := func(norm func(normOperands) *torch.Tensor) time.Duration {
				inner := s.NewScope()
				defer inner.Close()
				return timed(func() {
					norm(normOperands{o.x.In(inner), o.residual, o.weight, o.bias}).BackwardWith(cotangent)
					torch.ZeroGrad(o.x)
				})
			}
			var fused, composed time.Duration
			for b.Loop() {
				fused += step(c.fused)
				b.StopTimer()
				composed += step(c.composed)
				b.StartTimer()
			}
			b.ReportMetric(fused.Seconds()/composed.Seconds(), "of-composed")
		})
	}
}
