package tokenizer

import "math/bits"

// merged is what a pair of tokens becomes, and how early.
type merged struct{ rank, id int32 }

// mergeTable finds a pair of tokens by open addressing: Go's maps take several
// times as long, and encoding does little else.
type mergeTable struct {
	slots []mergeSlot
	shift int
}

type mergeSlot struct {
	pair uint64 // both ids, plus 1 so that 0 stands for an empty slot
	merged
}

// newMergeTable has room for a number of pairs.
func newMergeTable(pairs int) *mergeTable {
	width := bits.Len(uint(2*pairs + 1)) // at most half full
	return &mergeTable{slots: make([]mergeSlot, 1<<width), shift: 64 - width}
}

func pairKey(left, right int32) uint64 {
	return (uint64(uint32(left))<<32 | uint64(uint32(right))) + 1
}

// find is where a pair is, or would go.
func (t *mergeTable) find(pair uint64) *mergeSlot {
	const golden = 0x9E3779B97F4A7C15 // Fibonacci hashing
	for i := pair * golden >> t.shift; ; i = (i + 1) & uint64(len(t.slots)-1) {
		if slot := &t.slots[i]; slot.pair == pair || slot.pair == 0 {
			return slot
		}
	}
}

// put stores what a pair becomes. A repeated pair replaces the former.
func (t *mergeTable) put(left, right int32, m merged) {
	pair := pairKey(left, right)
	*t.find(pair) = mergeSlot{pair, m}
}

func (t *mergeTable) get(left, right int32) (m merged, ok bool) {
	slot := t.find(pairKey(left, right))
	return slot.merged, slot.pair != 0
}
