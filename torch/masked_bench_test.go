package torch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// BenchmarkMaskedGradient times the k gradients of one layer at 2,048 tokens
// and prints, beside ns/op, their ratio to the dense product of the same run.
func BenchmarkMaskedGradient(b *testing.B) {
	const tokens = 2048
	for _, shape := range [][2]int64{{384, 384}, {1536, 384}, {384, 1536}} {
		out, in := shape[0], shape[1]
		n := out * in
		for _, c := range []struct {
			name  string
			index []int64
		}{
			{"0.05%", scattered(n, n/2000)},
			{"0.2%", scattered(n, n/500)},
			{"1%", scattered(n, n/100)},
			{"5%", scattered(n, n/20)},
			{"10%", scattered(n, n/10)},
			{"50%", scattered(n, n/2)},
			{"run of 0.2%", run(777, n/500)},
			{"run of 10%", run(777, n/10)},
		} {
			b.Run(fmt.Sprintf("%dx%d/%s", out, in, c.name), func(b *testing.B) {
				s := torch.NewScope(torch.NoGrad())
				defer s.Close()
				dy := torch.Normal(s, 0, 1, 1, torch.Float32, tokens, out)
				x := torch.Normal(s, 0, 1, 2, torch.Float32, tokens, in)
				index := torch.FromSlice(s, c.index, int64(len(c.index)))
				// Interleaved, so that what else the machine does strikes both.
				var masked, dense time.Duration
				for b.Loop() {
					masked += timed(func() { torch.MaskedGradient(dy, x, index).Close() })
					b.StopTimer()
					dense += timed(func() {
						transposed := dy.Transpose(0, 1)
						transposed.MatMul(x).Close()
						transposed.Close()
					})
					b.StartTimer()
				}
				b.ReportMetric(masked.Seconds()/dense.Seconds(), "of-dense")
			})
		}
	}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// BenchmarkMaskedGradientOfModel is what the k gradients add to one step of a
// MiniLM-L6: 20,000 entries over its 36 linear layers, 2,048 tokens.
func BenchmarkMaskedGradientOfModel(b *testing.B) {
	const tokens, layers, k, weights = 2048, 6, 20000, 6 * (4*384*384 + 2*384*1536)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	type product struct{ dy, x, index *torch.Tensor }
	var products []product
	for layer := range uint64(layers) {
		for _, shape := range [][2]int64{{384, 384}, {384, 384}, {384, 384}, {384, 384}, {1536, 384}, {384, 1536}} {
			out, in := shape[0], shape[1]
			n := out * in
			index := scattered(n, n*k/weights)
			products = append(products, product{
				torch.Normal(s, 0, 1, layer, torch.Float32, tokens, out),
				torch.Normal(s, 0, 1, layer+99, torch.Float32, tokens, in),
				torch.FromSlice(s, index, int64(len(index))),
			})
		}
	}
	for b.Loop() {
		for _, p := range products {
			torch.MaskedGradient(p.dy, p.x, p.index).Close()
		}
	}
}
