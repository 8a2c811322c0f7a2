package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// Classes of characters in grapheme clusters (Unicode Standard Annex 29).
// Regional indicators are missing: whether two of them are one cluster makes no
// difference to precompiled, the one that asks.
const (
	ordinary      uint16 = iota
	control              // carriage return and line feed too
	prepended            // joins what follows
	spacingMark          // joins what is before, as do the next four
	extending            // and lies between a conjunct's consonant and its linker
	extendingOnly        // and does not
	linker               // makes a conjunct of two consonants
	joiner               // zero width joiner
	consonant            // of conjuncts
	pictograph
	hangulL // leading consonant
	hangulV // vowel
	hangulT // trailing consonant
	hangulLV
	hangulLVT
)

// clusterClasses holds the classes above.
var clusterClasses = sync.OnceValue(func() *runeTable {
	const nonJoiner, zeroWidthJoiner = 0x200C, 0x200D
	t := newRuneTable()
	for _, class := range []struct {
		chars runeSet
		class uint16
	}{
		{clusterControls, control}, {prependedChars, prepended}, {spacingMarks, spacingMark},
		{extendingChars, extending}, {conjunctLinkers, linker}, {conjunctConsonants, consonant},
		{pictographs, pictograph}, {hangulLeading, hangulL}, {hangulVowels, hangulV}, {hangulTrailing, hangulT},
	} {
		class.chars.each(func(r rune) { t.set(r, class.class) })
	}
	for r := rune(hangulFirst); r <= hangulLast; r++ {
		if (r-hangulFirst)%hangulTrailings == 0 {
			t.set(r, hangulLV)
		} else {
			t.set(r, hangulLVT)
		}
	}
	t.set(nonJoiner, extendingOnly)
	t.set(zeroWidthJoiner, joiner)
	return t
})

// clusterState is what has been read of a cluster.
type clusterState struct {
	last     uint16
	conjunct int // 1 after a consonant and extending characters, 2 after a linker among them
	emoji    int // 1 after a pictograph and extending characters, 2 after a joiner then
}

// clusterEnd is where the grapheme cluster ends that starts at text[at].
func clusterEnd(text string, at int) int {
	classes := clusterClasses()
	r, size := utf8.DecodeRuneInString(text[at:])
	var state clusterState
	state.take(classes.at(r))
	for end := at + size; ; end += size {
		if end == len(text) {
			return end
		}
		before := r
		r, size = utf8.DecodeRuneInString(text[end:])
		class := classes.at(r)
		if !state.joins(class) && !(before == '\r' && r == '\n') {
			return end
		}
		state.take(class)
	}
}

func (s *clusterState) take(class uint16) {
	switch {
	case class == consonant:
		s.conjunct = 1
	case class == linker && s.conjunct > 0:
		s.conjunct = 2
	case class != extending && class != joiner:
		s.conjunct = 0
	}
	switch {
	case class == pictograph:
		s.emoji = 1
	case class == joiner && s.emoji == 1:
		s.emoji = 2
	case s.emoji == 2 || class != extending && class != extendingOnly && class != linker:
		s.emoji = 0
	}
	s.last = class
}

// joins tells whether a character of a class belongs to the cluster.
func (s *clusterState) joins(class uint16) bool {
	switch {
	case s.last == control || class == control:
		return false
	case spacingMark <= class && class <= joiner, s.last == prepended:
		return true
	case class == consonant:
		return s.conjunct == 2
	case class == pictograph:
		return s.emoji == 2
	}
	switch s.last {
	case hangulL:
		return class == hangulL || class == hangulV || class == hangulLV || class == hangulLVT
	case hangulV, hangulLV:
		return class == hangulV || class == hangulT
	case hangulT, hangulLVT:
		return class == hangulT
	}
	return false
}
