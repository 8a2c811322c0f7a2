package apet

import (
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"testing"
)

// golden is shuffles.json of testdata/make_shuffles.py.
type golden struct {
	Sizes    []int
	Shuffles []struct {
		Seed      string
		Orders    [][]int64 // null for long lists
		Checksums []int64
	}
	Picks []struct {
		Added [][]int64
		Own   []int64
		Draws []struct {
			Budget      int64
			Seed        string
			PickedAdded []int `json:"picked_added"`
			PickedOwn   []int `json:"picked_own"`
		}
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/shuffles.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func integer(t *testing.T, digits string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		t.Fatalf("%q is no integer", digits)
	}
	return n
}

// checksum is that of make_shuffles.py.
func checksum(order []int64) int64 {
	var total int64
	for i, x := range order {
		total = (total*31 + int64(i+1)*(x+1)) % (1 << 31)
	}
	return total
}

func TestShufflesArePythons(t *testing.T) {
	g := readGolden(t)
	for _, want := range g.Shuffles {
		r := newPythonRandom(integer(t, want.Seed))
		for i, size := range g.Sizes {
			order := make([]int64, size)
			for j := range order {
				order[j] = int64(j)
			}
			shuffle(r, order)
			if want.Orders[i] != nil && !slices.Equal(order, want.Orders[i]) {
				t.Errorf("seed %s: %d numbers become %d, in Python %d", want.Seed, size, order, want.Orders[i])
			}
			if got := checksum(order); got != want.Checksums[i] {
				t.Errorf("seed %s: the order of %d numbers has checksum %d, in Python %d", want.Seed, size, got, want.Checksums[i])
			}
		}
	}
	if len(g.Shuffles) < 20 {
		t.Errorf("only %d seeds", len(g.Shuffles))
	}
}

func TestASeedsSignDoesNotCount(t *testing.T) {
	if a, b := newPythonRandom(big.NewInt(-7)).word(), newPythonRandom(big.NewInt(7)).word(); a != b {
		t.Errorf("%d and %d", a, b)
	}
}
