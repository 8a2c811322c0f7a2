package apet

import (
	"math/bits"
	"math/rand/v2"
)

// random draws the positions of masks. The generator and the way to a bounded
// number are fixed here, so that a seed means the same mask in every version.
type random struct {
	source *rand.PCG
}

func newRandom(seed uint64) random {
	return random{source: rand.NewPCG(seed, 0x9e3779b97f4a7c15)}
}

// below is uniform in [0, n): Lemire's multiplication with rejection (ACM
// Transactions on Modeling and Computer Simulation 29(1), 2019).
func (r random) below(n uint64) uint64 {
	high, low := bits.Mul64(r.source.Uint64(), n)
	if low < n {
		for threshold := -n % n; low < threshold; {
			high, low = bits.Mul64(r.source.Uint64(), n)
		}
	}
	return high
}

// subset is k distinct numbers below n, ascending, every subset equally
// likely: Floyd's algorithm (CACM 30(9), 1987) over a bit set.
func (r random) subset(k, n int64) []int64 {
	taken := make([]uint64, (n+63)/64)
	for j := n - k; j < n; j++ {
		t := int64(r.below(uint64(j) + 1))
		if taken[t/64]&(1<<(t%64)) != 0 {
			t = j
		}
		taken[t/64] |= 1 << (t % 64)
	}
	positions := make([]int64, 0, k)
	for word, set := range taken {
		for ; set != 0; set &= set - 1 {
			positions = append(positions, int64(word)*64+int64(bits.TrailingZeros64(set)))
		}
	}
	return positions
}
