package models

import (
	"slices"
	"testing"
)

func TestOffsets(t *testing.T) {
	if got := Offsets([]int64{3, 1, 5}); !slices.Equal(got, []int64{0, 3, 4, 9}) {
		t.Errorf("offsets %d", got)
	}
	if got := Offsets(nil); !slices.Equal(got, []int64{0}) {
		t.Errorf("offsets of no rows %d", got)
	}
}
