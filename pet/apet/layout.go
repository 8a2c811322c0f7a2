package apet

import (
	"cmp"
	"fmt"
	"slices"
)

// Layout says how the positions of a mask lie: where in tensors of the given
// sizes the k entries are, per tensor ascending. It is a function of its
// arguments alone.
type Layout func(sizes []int64, k, block int64, seed uint64) ([][]int64, error)

// Discrete scatters k positions over all tensors together, uniformly and
// without replacement.
func Discrete(sizes []int64, k, _ int64, seed uint64) ([][]int64, error) {
	total, err := checkCount(sizes, k)
	if err != nil {
		return nil, err
	}
	return perTensor(newRandom(seed).subset(k, total), sizes), nil
}

// Adjacent lays k positions in contiguous runs, each within one tensor: runs
// of block entries (one of them shorter where k is no multiple), or with block
// 0 one run a tensor. Tensors share the entries in proportion to their sizes;
// where a run begins is uniform.
func Adjacent(sizes []int64, k, block int64, seed uint64) ([][]int64, error) {
	if _, err := checkCount(sizes, k); err != nil {
		return nil, err
	}
	if block < 0 {
		return nil, fmt.Errorf("block of %d entries: want 1 or more, or 0 for one run a tensor", block)
	}
	r := newRandom(seed)
	runs := make([][]int64, len(sizes)) // lengths, per tensor
	if block == 0 {
		for i, n := range share(k, sizes, sizes) {
			if n > 0 {
				runs[i] = []int64{n}
			}
		}
	} else if err := blockRuns(runs, sizes, k, block); err != nil {
		return nil, err
	}
	positions := make([][]int64, len(sizes))
	for i, lengths := range runs {
		positions[i] = place(r, lengths, sizes[i])
	}
	return positions, nil
}

// blockRuns shares the runs of block entries, and the shorter one, among the tensors.
func blockRuns(runs [][]int64, sizes []int64, k, block int64) error {
	room := make([]int64, len(sizes)) // for whole runs
	var capacity int64
	for i, size := range sizes {
		room[i] = size / block
		capacity += room[i]
	}
	whole, rest := k/block, k%block
	if whole > capacity {
		return fmt.Errorf("%d entries in runs of %d: the tensors have room for %d runs; take a smaller block", k, block, capacity)
	}
	left := slices.Clone(sizes)
	for i, n := range share(whole, sizes, room) {
		runs[i] = slices.Repeat([]int64{block}, int(n))
		left[i] -= n * block
	}
	if rest == 0 {
		return nil
	}
	roomiest := slices.Index(left, slices.Max(left))
	if left[roomiest] < rest {
		return fmt.Errorf("%d entries in runs of %d: no tensor has room for the last %d; take a smaller block", k, block, rest)
	}
	runs[roomiest] = append(runs[roomiest], rest)
	return nil
}

// place lays runs of the given lengths in [0, size), apart from or touching
// one another, every arrangement of their order-preserving gaps equally likely.
func place(r random, lengths []int64, size int64) []int64 {
	if len(lengths) == 0 {
		return nil
	}
	var k int64
	for _, n := range lengths {
		k += n
	}
	// Shrunk to a point each, the runs are a subset of what remains.
	points := r.subset(int64(len(lengths)), size-k+int64(len(lengths)))
	positions := make([]int64, 0, k)
	var grown int64
	for i, point := range points {
		for j := range lengths[i] {
			positions = append(positions, point+grown+j)
		}
		grown += lengths[i] - 1
	}
	return positions
}

// share divides n among parts in proportion to weights, none above its limit,
// by largest remainders. The limits must have room for n.
func share(n int64, weights, limits []int64) []int64 {
	var total int64
	for _, w := range weights {
		total += w
	}
	parts := make([]int64, len(weights))
	remainders := make([]float64, len(weights))
	left := n
	for i, w := range weights {
		exact := float64(n) * float64(w) / float64(total)
		parts[i] = min(int64(exact), limits[i])
		remainders[i] = exact - float64(parts[i])
		left -= parts[i]
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for left > 0 {
		for _, i := range order {
			if left > 0 && parts[i] < limits[i] {
				parts[i]++
				left--
			}
		}
	}
	return parts
}

func checkCount(sizes []int64, k int64) (total int64, err error) {
	for _, size := range sizes {
		total += size
	}
	if k < 0 || k > total {
		return 0, fmt.Errorf("k = %d: want 0 to %d, the number of eligible entries", k, total)
	}
	return total, nil
}

// perTensor cuts positions in the concatenation of tensors at their bounds.
func perTensor(positions []int64, sizes []int64) [][]int64 {
	parts := make([][]int64, len(sizes))
	var start int64
	for i, size := range sizes {
		n, _ := slices.BinarySearch(positions, start+size)
		for _, p := range positions[:n] {
			parts[i] = append(parts[i], p-start)
		}
		positions = positions[n:]
		start += size
	}
	return parts
}
