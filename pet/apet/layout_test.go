package apet

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var layouts = map[string]Layout{"discrete": Discrete, "adjacent": Adjacent}

// count checks that positions ascend within their tensors and counts them.
func count(t *testing.T, positions [][]int64, sizes []int64) int64 {
	t.Helper()
	if len(positions) != len(sizes) {
		t.Fatalf("positions of %d tensors, want %d", len(positions), len(sizes))
	}
	var n int64
	for i, list := range positions {
		previous := int64(-1)
		for _, at := range list {
			if at <= previous || at >= sizes[i] {
				t.Fatalf("tensor %d of %d entries: %d after %d", i, sizes[i], at, previous)
			}
			previous = at
		}
		n += int64(len(list))
	}
	return n
}

func TestMasksHaveExactlyKEntries(t *testing.T) {
	sizes := []int64{40, 1, 7, 64, 128, 3}
	const total = 243
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			for _, block := range []int64{0, 1, 3} {
				for k := int64(0); k <= total; k++ {
					positions, err := layout(sizes, k, block, uint64(k))
					if err != nil {
						// Whole runs of 3 leave gaps that nothing fills.
						if block == 3 && name == "adjacent" && k > 3*(13+2+21+42+1) {
							continue
						}
						t.Fatalf("k = %d, block = %d: %v", k, block, err)
					}
					if got := count(t, positions, sizes); got != k {
						t.Fatalf("k = %d, block = %d: %d entries", k, block, got)
					}
				}
			}
		})
	}
}

func TestMasksAreAFunctionOfTheSeed(t *testing.T) {
	sizes := []int64{1000, 3000}
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			draw := func(seed uint64) [][]int64 {
				positions, err := layout(sizes, 200, 0, seed)
				if err != nil {
					t.Fatal(err)
				}
				return positions
			}
			if !reflect.DeepEqual(draw(7), draw(7)) {
				t.Error("one seed gave two masks")
			}
			if reflect.DeepEqual(draw(7), draw(8)) {
				t.Error("two seeds gave one mask")
			}
		})
	}
}

// A mask in an old run's config.json is a seed, so these may never change.
func TestMasksOfEveryVersionAgree(t *testing.T) {
	sizes := []int64{100, 20, 300}
	for _, test := range []struct {
		layout string
		block  int64
		want   string
	}{
		{"discrete", 0, "[[31 35 67 77 94] [] [17 45 169 214 239 249 283]]"},
		{"adjacent", 0, "[[32 33 34] [17] [25 26 27 28 29 30 31 32]]"},
		{"adjacent", 5, "[[32 33 34 35 36] [] [25 26 27 28 29 262 263]]"},
	} {
		positions, err := layouts[test.layout](sizes, 12, test.block, 42)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(positions); got != test.want {
			t.Errorf("%s, block %d: %s, want %s", test.layout, test.block, got, test.want)
		}
	}
}

func TestCountsOutOfRangeAreRefused(t *testing.T) {
	for name, layout := range layouts {
		for _, k := range []int64{-1, 11, math.MaxInt64} {
			_, err := layout([]int64{4, 6}, k, 0, 1)
			if want := fmt.Sprintf("k = %d: want 0 to 10", k); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", name, err, want)
			}
		}
	}
}

// TestDiscreteIsUniform draws every subset of 3 of 7 equally often, and every
// single entry of a larger space.
func TestDiscreteIsUniform(t *testing.T) {
	const draws = 70_000
	subsets := map[string]int{}
	for seed := range uint64(draws) {
		positions, err := Discrete([]int64{3, 4}, 3, 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		subsets[fmt.Sprint(positions)]++
	}
	chiSquare(t, subsets, 35, draws)

	entries := map[string]int{}
	for seed := range uint64(2000) {
		positions, err := Discrete([]int64{64}, 16, 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range positions[0] {
			entries[fmt.Sprint(at)]++
		}
	}
	chiSquare(t, entries, 64, 2000*16)
}

func TestRunsBeginUniformly(t *testing.T) {
	starts := map[string]int{}
	const draws = 11_000
	for seed := range uint64(draws) {
		positions, err := Adjacent([]int64{20}, 10, 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		starts[fmt.Sprint(positions[0][0])]++
	}
	chiSquare(t, starts, 11, draws)
}

// chiSquare fails where counts of that many equally likely cells are further
// from equal than chance: five standard deviations of the statistic.
func chiSquare(t *testing.T, counts map[string]int, cells, draws int) {
	t.Helper()
	if len(counts) != cells {
		t.Errorf("%d different draws, want %d", len(counts), cells)
	}
	expected := float64(draws) / float64(cells)
	var statistic float64
	for _, n := range counts {
		statistic += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	freedom := float64(cells - 1)
	if limit := freedom + 5*math.Sqrt(2*freedom); statistic > limit {
		t.Errorf("chi-square %g over %d cells, at most %g by chance", statistic, cells, limit)
	}
}

// runsOf are the lengths of the contiguous runs of ascending positions.
func runsOf(positions []int64) []int64 {
	var runs []int64
	for i, at := range positions {
		if i > 0 && at == positions[i-1]+1 {
			runs[len(runs)-1]++
		} else {
			runs = append(runs, 1)
		}
	}
	return runs
}

func TestAdjacentIsOneRunATensorInProportion(t *testing.T) {
	sizes := []int64{1000, 3000, 500, 1500}
	positions, err := Adjacent(sizes, 601, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{100, 300, 50, 150} {
		runs := runsOf(positions[i])
		if len(runs) != 1 || runs[0] < want || runs[0] > want+1 {
			t.Errorf("tensor %d: runs %d, want one of %d or one more", i, runs, want)
		}
	}
}

// Runs may touch, so a stretch holds whole runs and at most the shorter one.
func TestBlocksAreWholeButOne(t *testing.T) {
	sizes := []int64{50, 200, 9}
	for seed := range uint64(200) {
		positions, err := Adjacent(sizes, 47, 5, seed)
		if err != nil {
			t.Fatal(err)
		}
		if got := count(t, positions, sizes); got != 47 {
			t.Fatalf("%d entries", got)
		}
		shorter := 0
		for _, list := range positions {
			for _, n := range runsOf(list) {
				switch n % 5 {
				case 0:
				case 2:
					shorter++
				default:
					t.Fatalf("seed %d: a stretch of %d is no sum of runs of 5 and one of 2", seed, n)
				}
			}
		}
		if shorter != 1 {
			t.Fatalf("seed %d: %d shorter runs, want 1", seed, shorter)
		}
	}
}

func TestBlocksThatDoNotFitAreRefused(t *testing.T) {
	for _, test := range []struct {
		k, block int64
		want     string
	}{
		{10, -1, "block of -1 entries"},
		{20, 8, "the tensors have room for 1 runs; take a smaller block"},
		{15, 8, "no tensor has room for the last 7; take a smaller block"},
	} {
		_, err := Adjacent([]int64{9, 6, 6}, test.k, test.block, 1)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("k = %d, block = %d: error %v, want %q", test.k, test.block, err, test.want)
		}
	}
}

func TestShareIsExactAndInProportion(t *testing.T) {
	weights := []int64{1, 2, 4, 8, 985}
	for n := range int64(1001) {
		parts := share(n, weights, weights)
		var sum int64
		for i, part := range parts {
			sum += part
			if part < 0 || part > weights[i] {
				t.Fatalf("share of %d: %d, beyond the limits %d", n, parts, weights)
			}
			if exact := float64(n*weights[i]) / 1000; math.Abs(float64(part)-exact) > 1 {
				t.Fatalf("share of %d: part %d is %d, in proportion %g", n, i, part, exact)
			}
		}
		if sum != n && n <= 1000 {
			t.Fatalf("share of %d: parts add up to %d", n, sum)
		}
	}
}

func TestSubsetOfAllIsAll(t *testing.T) {
	all := newRandom(1).subset(130, 130)
	if len(all) != 130 || all[0] != 0 || all[129] != 129 || !slices.IsSorted(all) {
		t.Errorf("subset of all: %d", all)
	}
}
