package tokenizer

import (
	"sort"
	"sync"
)

//go:generate sh -c "python3 testdata/make_unicode.py > zz_generated_unicode.go"

// runeSet is a sorted list of inclusive ranges.
type runeSet [][2]rune

func (s runeSet) contains(r rune) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i][1] >= r })
	return i < len(s) && s[i][0] <= r
}

// each calls f for every member in order.
func (s runeSet) each(f func(r rune)) {
	for _, span := range s {
		for r := span[0]; r <= span[1]; r++ {
			f(r)
		}
	}
}

// runeMap is a list of characters and their replacements, sorted by character.
type runeMap []struct {
	from rune
	to   string
}

func (m runeMap) lookup(r rune) (string, bool) {
	i := sort.Search(len(m), func(i int) bool { return m[i].from >= r })
	if i < len(m) && m[i].from == r {
		return m[i].to, true
	}
	return "", false
}

// runeTable gives every code point a number in constant time. Pages that hold
// only zeros share one array.
type runeTable struct {
	pages [0x110000 >> pageBits]*[1 << pageBits]uint16
}

const pageBits = 8

var zeroPage [1 << pageBits]uint16

func newRuneTable() *runeTable {
	t := new(runeTable)
	for i := range t.pages {
		t.pages[i] = &zeroPage
	}
	return t
}

func (t *runeTable) at(r rune) uint16 {
	return t.pages[r>>pageBits][r&(1<<pageBits-1)]
}

func (t *runeTable) set(r rune, v uint16) {
	page := &t.pages[r>>pageBits]
	if *page == &zeroPage {
		*page = new([1 << pageBits]uint16)
	}
	(*page)[r&(1<<pageBits-1)] = v
}

// What the pre-tokenizer does with a character: nothing inside a word.
const (
	inWord uint16 = iota
	betweenWords
	wordOfItsOwn
)

// wordBreaks holds the three classes above.
var wordBreaks = sync.OnceValue(func() *runeTable {
	t := newRuneTable()
	spaceChars.each(func(r rune) { t.set(r, betweenWords) })
	punctuationChars.each(func(r rune) { t.set(r, wordOfItsOwn) })
	return t
})
