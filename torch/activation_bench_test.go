package torch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// BenchmarkGatedActivation times a gate forward and backward and prints its ratio to
// libtorch's activation and product.
func BenchmarkGatedActivation(b *testing.B) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		for name, act := range activations {
			b.Run(fmt.Sprint(name, " ", dtype), func(b *testing.B) {
				s := torch.NewScope()
				defer s.Close()
				gate := torch.Normal(s, 0, 1, 1, torch.Float32, 2048, 1536).ToDType(dtype).Detach().SetRequiresGrad(true)
				x := torch.Normal(s, 0, 1, 2, torch.Float32, 2048, 1536).ToDType(dtype).Detach().SetRequiresGrad(true)
				step := func(f func(gate, x *torch.Tensor) *torch.Tensor) time.Duration {
					inner := s.NewScope()
					defer inner.Close()
					return timed(func() {
						f(gate.In(inner), x.In(inner)).BackwardWith(x)
						torch.ZeroGrad(gate, x)
					})
				}
				var fused, composed time.Duration
				for b.Loop() {
					fused += step(func(gate, x *torch.Tensor) *torch.Tensor { return torch.GatedActivation(gate, x, act) })
					b.StopTimer()
					composed += step(func(gate, x *torch.Tensor) *torch.Tensor { return act.Apply(gate).Mul(x) })
					b.StartTimer()
				}
				b.ReportMetric(fused.Seconds()/composed.Seconds(), "of-composed")
			})
		}
	}
}
