package torch_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// BenchmarkPackedSelfAttention times attention over a packed batch, forward
// and with backward, and prints beside ns/op the ratio of its median to that of
// libtorch's own attention over the same batch padded, and its rate of arithmetic.
func BenchmarkPackedSelfAttention(b *testing.B) {
	for _, c := range []struct {
		name       string
		heads, dim int64
		lengths    []int64
	}{
		{"MiniLM 16x128", 12, 32, same(16, 128)},
		{"MiniLM 32 of 5 to 60", 12, 32, between(32, 5, 60)},
		{"base 16x128", 12, 64, same(16, 128)},
		{"base 32 of 5 to 60", 12, 64, between(32, 5, 60)},
		{"base 4x512", 12, 64, same(4, 512)},
	} {
		for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
			for _, backward := range []bool{false, true} {
				name := fmt.Sprintf("%s/%v/forward", c.name, dtype)
				if backward {
					name += " and backward"
				}
				b.Run(name, func(b *testing.B) {
					s := torch.NewScope()
					defer s.Close()
					leaf := func(shape ...int64) *torch.Tensor {
						return torch.Normal(s, 0, 1, 1, torch.Float32, shape...).ToDType(dtype).Detach().SetRequiresGrad(backward)
					}
					starts := offsets(c.lengths)
					tokens, pairs, n := starts[len(c.lengths)], int64(0), int64(len(c.lengths))
					for _, length := range c.lengths {
						pairs += length * length
					}
					qkv := leaf(tokens, 3, c.heads, c.dim)
					cotangent := torch.Ones(s, dtype, tokens, c.heads*c.dim)
					packed := func() *torch.Tensor {
						return torch.PackedSelfAttention(qkv, starts, torch.PackedAttentionOptions{})
					}

					length := longest(c.lengths)
					q, k, v := leaf(n, c.heads, length, c.dim), leaf(n, c.heads, length, c.dim), leaf(n, c.heads, length, c.dim)
					paddedCotangent := torch.Ones(s, dtype, n, c.heads, length, c.dim)
					var mask *torch.Tensor
					if tokens < n*length {
						mask = visible(s, c.lengths).ToDType(dtype)
					}
					padded := func() *torch.Tensor {
						return torch.ScaledDotProductAttention(q, k, v, torch.AttentionOptions{Mask: mask})
					}

					// Interleaved, so that what else the machine does strikes both.
					var ours, theirs []time.Duration
					step := func(attend func() *torch.Tensor, cotangent *torch.Tensor) time.Duration {
						return timed(func() {
							out := attend()
							if backward {
								out.BackwardWith(cotangent)
								torch.ZeroGrad(qkv, q, k, v)
							}
							out.Close()
						})
					}
					for b.Loop() {
						ours = append(ours, step(packed, cotangent))
						b.StopTimer()
						theirs = append(theirs, step(padded, paddedCotangent))
						b.StartTimer()
					}
					products := 2.0
					if backward {
						products = 7
					}
					operations := products * 2 * float64(pairs*c.heads*c.dim)
					b.ReportMetric(median(ours)/median(theirs), "of-libtorch")
					b.ReportMetric(operations/median(ours)/1e9, "GFLOP/s")
				})
			}
		}
	}
}

// median is in seconds.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

func same(n, length int64) []int64 { return between(n, length, length) }

// between draws n lengths.
func between(n, shortest, longest int64) []int64 {
	random := rand.New(rand.NewPCG(1, uint64(longest)))
	lengths := make([]int64, n)
	for i := range lengths {
		lengths[i] = shortest + random.Int64N(longest-shortest+1)
	}
	return lengths
}

// visible is what is added to the scores of a padded batch: 0 for tokens, a
// large negative number for padding; [sequences, 1, 1, longest].
func visible(s *torch.Scope, lengths []int64) *torch.Tensor {
	length := longest(lengths)
	mask := make([]float32, int64(len(lengths))*length)
	for i := range mask {
		if int64(i)%length >= lengths[int64(i)/length] {
			mask[i] = -1e9
		}
	}
	return torch.FromSlice(s, mask, int64(len(lengths)), 1, 1, length)
}
