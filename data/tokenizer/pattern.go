package tokenizer

import (
	"bytes"
	"sync"
)

// matcher finds what a Split cuts at.
type matcher interface {
	// match returns the first match at or after from, which is not empty, or
	// the end of the text twice.
	match(text []byte, from int) (start, end int)
}

// isolate makes pieces of matches and of what lies between them: the behavior
// Isolated of a Split.
type isolate struct{ matcher }

func (s isolate) next(text []byte, from int) (start, end int) {
	if start, end = s.match(text, from); start > from {
		return from, start
	}
	return start, end
}

// keepMatches makes pieces of matches: the behavior Removed of a Split that is
// inverted.
type keepMatches struct{ matcher }

func (s keepMatches) next(text []byte, from int) (start, end int) {
	return s.match(text, from)
}

// dropMatches makes pieces of what lies between matches: the behavior Removed
// of a Split.
type dropMatches struct{ matcher }

func (s dropMatches) next(text []byte, from int) (start, end int) {
	for from < len(text) {
		start, end = s.match(text, from)
		if start > from {
			return from, start
		}
		from = end
	}
	return len(text), len(text)
}

// textMatcher matches a text that is not empty.
type textMatcher []byte

func (m textMatcher) match(text []byte, from int) (start, end int) {
	if at := bytes.Index(text[from:], m); at >= 0 {
		return from + at, from + at + len(m)
	}
	return len(text), len(text)
}

// matchers are the regular expressions that a Split may have, by their text in
// tokenizer.json. Each is executed by code of its own, which never goes back.
var matchers = map[string]func() matcher{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: newGPT2Matcher,
	` ?[^(\s|[.,!?…。，、।۔،])]+`:                                                   newBLOOMMatcher,
}

// Classes of characters in GPT-2's pattern.
const (
	symbolChar uint16 = iota
	spaceChar
	letterChar
	numberChar
)

var gpt2Classes = sync.OnceValue(func() *runeTable {
	t := newRuneTable()
	spaceChars.each(func(r rune) { t.set(r, spaceChar) })
	letterChars.each(func(r rune) { t.set(r, letterChar) })
	numberChars.each(func(r rune) { t.set(r, numberChar) })
	return t
})

// gpt2Matcher matches GPT-2's pattern: a contraction; letters, numbers or
// symbols with a space before them; or white space, of which the last
// character is left to a word that follows. It matches at every character.
type gpt2Matcher struct{ classes *runeTable }

func newGPT2Matcher() matcher { return gpt2Matcher{gpt2Classes()} }

func (m gpt2Matcher) match(text []byte, from int) (start, end int) {
	if n := contractionLength(text[from:]); n > 0 {
		return from, from + n
	}
	at := from
	class, size := classAt(m.classes, text, at)
	if text[at] == ' ' && at+1 < len(text) {
		if next, nextSize := classAt(m.classes, text, at+1); next != spaceChar {
			at++
			class, size = next, nextSize
		}
	}
	last := at // where the last character starts
	for end = at + size; end < len(text); end += size {
		var next uint16
		if next, size = classAt(m.classes, text, end); next != class {
			break
		}
		last = end
	}
	if class == spaceChar && end < len(text) && last > from {
		return from, last
	}
	return from, end
}

// contractionLength is the length of 's, 't, 're, 've, 'm, 'll or 'd at the
// start of text, 0 where there is none.
func contractionLength(text []byte) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	switch text[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(text) > 2 {
		switch string(text[1:3]) {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}

// bloomMatcher matches BLOOM's pattern: characters other than white space and
// some punctuation, with a space before them.
type bloomMatcher struct{ characters whitespaceSplit }

// bloomExcluded is what the character class of BLOOM's pattern excludes
// besides white space: its parentheses and bar stand for themselves.
const bloomExcluded = "(|).,!?…。，、।۔،"

var bloomClasses = sync.OnceValue(func() *runeTable {
	t := newRuneTable()
	spaceChars.each(func(r rune) { t.set(r, betweenWords) })
	for _, r := range bloomExcluded {
		t.set(r, betweenWords)
	}
	return t
})

func newBLOOMMatcher() matcher { return bloomMatcher{whitespaceSplit{bloomClasses()}} }

func (m bloomMatcher) match(text []byte, from int) (start, end int) {
	start, end = m.characters.next(text, from)
	if start < end && start > from && text[start-1] == ' ' {
		start--
	}
	return start, end
}
