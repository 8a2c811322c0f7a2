package data_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
)

// numbers reads rows from start on, at most limit of them.
func numbers(t *testing.T, split data.Split, order data.Order, start int64, limit int) []int64 {
	t.Helper()
	order.Columns = []string{"text"}
	r, err := data.NewReader(split, order, start)
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for len(out) < limit {
		row, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Number())
		if want := start + int64(len(out)); r.Position() != want {
			t.Fatalf("position %d after row %d of the order", r.Position(), want-1)
		}
	}
	return out
}

const all = 1 << 30

func TestEveryRowOnceAnEpoch(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		var blocks []int
		for range 1 + random.IntN(12) {
			blocks = append(blocks, random.IntN(9))
		}
		blocks = append(blocks, 4)
		m := &memory{blocks: blocks}
		for _, buffer := range []int{1, 7, 1000} {
			for epoch := range int64(3) {
				got := numbers(t, m, data.Order{Shuffle: true, Seed: 11, Epoch: epoch, Buffer: buffer}, 0, all)
				slices.Sort(got)
				for i, n := range got {
					if int64(i) != n {
						t.Fatalf("blocks %v, buffer %d, epoch %d: row %d is missing or there twice", blocks, buffer, epoch, i)
					}
				}
				if int64(len(got)) != data.NumRows(m) {
					t.Fatalf("blocks %v: %d rows", blocks, len(got))
				}
			}
		}
	}
}

func TestOrderIsAFunctionOfSeedAndEpoch(t *testing.T) {
	m := &memory{blocks: []int{40, 40, 40}}
	order := data.Order{Shuffle: true, Seed: 3, Epoch: 2, Buffer: 50}
	first := numbers(t, m, order, 0, all)
	if again := numbers(t, m, order, 0, all); !slices.Equal(first, again) {
		t.Error("the same seed and epoch gave another order")
	}
	seed, epoch := order, order
	seed.Seed++
	epoch.Epoch++
	for name, other := range map[string]data.Order{"seed": seed, "epoch": epoch} {
		if slices.Equal(first, numbers(t, m, other, 0, all)) {
			t.Errorf("another %s gave the same order", name)
		}
	}
	order.Shuffle = false
	if plain := numbers(t, m, order, 0, all); !slices.IsSorted(plain) {
		t.Errorf("without shuffling the order is %v", plain)
	}
}

func TestResumeAtEveryRow(t *testing.T) {
	m := &memory{blocks: []int{5, 0, 1, 17, 3, 3, 8, 0}}
	for _, order := range []data.Order{
		{},
		{Shuffle: true, Seed: 1, Buffer: 1},
		{Shuffle: true, Seed: 1, Epoch: 4, Buffer: 10},
		{Shuffle: true, Seed: 2, Buffer: 1000},
	} {
		whole := numbers(t, m, order, 0, all)
		for start := range int64(len(whole)) + 1 {
			if diff := cmp.Diff(whole[start:], append([]int64{}, numbers(t, m, order, start, all)...)); diff != "" {
				t.Fatalf("order %+v from row %d (-want +got):\n%s", order, start, diff)
			}
		}
	}
}

func TestResumeReadsOnlyWhatItNeeds(t *testing.T) {
	blocks := make([]int, 1000)
	for i := range blocks {
		blocks[i] = 10
	}
	m := &memory{blocks: blocks}
	numbers(t, m, data.Order{Shuffle: true, Buffer: 50}, 9_000, 50)
	if got := m.reads.Load(); got != 5 {
		t.Errorf("read %d blocks for 50 rows in the middle, want 5", got)
	}
	m.reads.Store(0)
	numbers(t, m, data.Order{}, 5_005, 7)
	if got := m.reads.Load(); got != 2 {
		t.Errorf("read %d blocks for 7 rows across a block's end, want 2", got)
	}
}

// The order of a seed is part of what makes a run repeatable, so a release may
// not change it.
func TestPermutationStaysTheSame(t *testing.T) {
	if diff := cmp.Diff([]int32{}, data.Permutation(0, 1)); diff != "" {
		t.Error(diff)
	}
	want := []int32{5, 3, 6, 4, 9, 1, 2, 11, 8, 7, 10, 0}
	if diff := cmp.Diff(want, data.Permutation(12, 42, 7)); diff != "" {
		t.Errorf("permutation of 12 (-want +got):\n%s", diff)
	}
}

// Every place is equally likely for every row: the largest of 400 counts stays
// within six standard deviations.
func TestPermutationIsUniform(t *testing.T) {
	const n, trials = 20, 20_000
	var counts [n][n]int
	for seed := range int64(trials) {
		for place, row := range data.Permutation(n, seed) {
			counts[row][place]++
		}
	}
	for row := range counts {
		for place, got := range counts[row] {
			if got < trials/n-185 || got > trials/n+185 {
				t.Errorf("row %d came %d times in place %d, expected %d", row, got, place, trials/n)
			}
		}
	}
}

func TestReaderErrors(t *testing.T) {
	m := &memory{blocks: []int{3}}
	for _, c := range []struct {
		split *memory
		start int64
		want  string
	}{
		{&memory{blocks: []int{0, 0}}, 0, `split "train" is empty`},
		{m, 4, `split "train" has 3 rows: it cannot be read from row 4`},
		{m, -1, `split "train" has 3 rows: it cannot be read from row -1`},
	} {
		_, err := data.NewReader(c.split, data.Order{}, c.start)
		if err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
