package torch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// BenchmarkLinearCrossEntropy times the loss and the gradient of a T5-base
// head and prints their ratio to CrossEntropy over all logits.
func BenchmarkLinearCrossEntropy(b *testing.B) {
	const dim, classes = 768, 32128
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		for _, tokens := range []int64{32, 512, 2048} {
			b.Run(fmt.Sprintf("%d tokens %v", tokens, dtype), func(b *testing.B) {
				s := torch.NewScope()
				defer s.Close()
				x := newHeadCase(s, dtype, tokens, dim, classes)
				step := func(loss func(x headCase) *torch.Tensor) time.Duration {
					inner := s.NewScope()
					defer inner.Close()
					return timed(func() {
						loss(headCase{x.hidden.In(inner), x.weight, x.targets}).Backward()
						torch.ZeroGrad(x.hidden)
					})
				}
				var fused, composed time.Duration
				for b.Loop() {
					fused += step(func(x headCase) *torch.Tensor {
						return torch.LinearCrossEntropy(x.hidden, x.weight, x.targets, torch.ReduceMean)
					})
					b.StopTimer()
					composed += step(func(x headCase) *torch.Tensor {
						logits := torch.Linear(x.hidden, x.weight, nil).ToDType(torch.Float32)
						return torch.CrossEntropy(logits, x.targets, nil, torch.ReduceMean)
					})
					b.StartTimer()
				}
				b.ReportMetric(fused.Seconds()/composed.Seconds(), "of-composed")
			})
		}
	}
}
