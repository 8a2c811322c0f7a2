package apet

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

func TestPositionsComeBack(t *testing.T) {
	for _, positions := range [][]int64{
		nil, {0}, {126, 127, 128}, {0, 127, 255, 16511, 16512}, {math.MaxInt32, 1 << 40},
	} {
		size := int64(1<<40 + 1)
		got, err := DecodePositions(EncodePositions(positions), size)
		if err != nil || !slices.Equal(got, positions) {
			t.Errorf("%d came back as %d (%v)", positions, got, err)
		}
	}
}

func TestTwoBytesAnEntryAtUsualDensities(t *testing.T) {
	const size, k = 10_000_000, 20_000
	positions := newRandom(1).subset(k, size)
	if code := EncodePositions(positions); len(code) > 2*k {
		t.Errorf("%d bytes for %d entries of %d", len(code), k, size)
	}
}

func TestBrokenPositionsAreRefused(t *testing.T) {
	for name, code := range map[string][]byte{
		"cut short":      {0x80},
		"outside":        {100},
		"second outside": {98, 1},
		"overflow":       bytes.Repeat([]byte{0xff}, 12),
		"huge gap":       {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	} {
		if got, err := DecodePositions(code, 100); err == nil {
			t.Errorf("%s: decoded as %d", name, got)
		}
	}
}

func FuzzDecodePositions(f *testing.F) {
	f.Add([]byte{}, int64(0))
	f.Add([]byte{0, 0, 0x80, 1}, int64(1000))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, code []byte, size int64) {
		if size < 0 {
			return
		}
		positions, err := DecodePositions(code, size)
		if err != nil {
			return
		}
		previous := int64(-1)
		for _, at := range positions {
			if at <= previous || at >= size {
				t.Fatalf("position %d after %d in %d entries", at, previous, size)
			}
			previous = at
		}
		again, err := DecodePositions(EncodePositions(positions), size)
		if err != nil || !slices.Equal(again, positions) {
			t.Fatalf("%d came back as %d (%v)", positions, again, err)
		}
	})
}
