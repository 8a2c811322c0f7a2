package tokenizer

import (
	"hash/maphash"
	"sync/atomic"
)

// wordCache remembers the tokens of words. It keeps one word a slot, the last
// that fell there, so it is bounded and never needs a lock. The zero value is
// ready for use.
type wordCache struct {
	slots [1 << 13]atomic.Pointer[knownWord]
}

// maxCachedWord is the length in bytes of the longest word kept.
const maxCachedWord = 64

type knownWord struct {
	word string
	ids  []int32
}

var wordSeed = maphash.MakeSeed()

func (c *wordCache) slot(word []byte) *atomic.Pointer[knownWord] {
	return &c.slots[maphash.Bytes(wordSeed, word)%uint64(len(c.slots))]
}

// get returns the ids of a word that is known; they must not be changed.
func (c *wordCache) get(word []byte) (ids []int32, ok bool) {
	if len(word) > maxCachedWord {
		return nil, false
	}
	known := c.slot(word).Load()
	if known == nil || known.word != string(word) {
		return nil, false
	}
	return known.ids, true
}

func (c *wordCache) put(word []byte, ids []int32) {
	if len(word) <= maxCachedWord {
		c.slot(word).Store(&knownWord{word: string(word), ids: append([]int32(nil), ids...)})
	}
}
