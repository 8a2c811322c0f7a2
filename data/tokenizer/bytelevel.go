package tokenizer

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// byteLevel is ByteLevel: it writes every byte as a visible character, so that
// a vocabulary of 256 characters covers all texts.
type byteLevel struct {
	prefixSpace bool
	words       splitter // nil: a piece is a word
}

func newByteLevel(prefixSpace, useRegex bool) *byteLevel {
	b := &byteLevel{prefixSpace: prefixSpace}
	if useRegex {
		b.words = isolate{newGPT2Matcher()}
	}
	return b
}

func (b *byteLevel) write(piece []byte, _ bool, m model, s *scratch) bool {
	if b.prefixSpace && piece[0] != ' ' {
		s.spaced = append(append(s.spaced[:0], ' '), piece...)
		piece = s.spaced
	}
	if b.words == nil {
		return b.writeWord(piece, m, s)
	}
	for from := 0; from < len(piece); {
		start, end := b.words.next(piece, from)
		if !b.writeWord(piece[start:end], m, s) {
			return false
		}
		from = end
	}
	return true
}

func (b *byteLevel) writeWord(piece []byte, m model, s *scratch) bool {
	alphabet := byteAlphabet()
	word := s.word[:0]
	for _, c := range piece {
		word = append(word, alphabet.chars[c]...)
	}
	s.word = word
	return s.add(m, word)
}

// alphabet is how bytes are written.
type alphabet struct {
	chars [256]string
	bytes map[rune]byte
}

// byteAlphabet is GPT-2's: printable characters of Latin-1 stand for
// themselves, the other bytes for the characters from U+0100 on, in order.
var byteAlphabet = sync.OnceValue(func() *alphabet {
	a := &alphabet{bytes: map[rune]byte{}}
	next := rune(0x100)
	for i := range 256 {
		c := rune(i)
		if !('!' <= c && c <= '~' || '¡' <= c && c <= '¬' || '®' <= c) {
			c = next
			next++
		}
		a.chars[i] = string(c)
		a.bytes[c] = byte(i)
	}
	return a
})

// decodeByteLevel makes one text of the bytes that the tokens stand for. A
// token with other characters stands for itself.
func decodeByteLevel(tokens []string) []string {
	alphabet := byteAlphabet()
	var text []byte
	for _, token := range tokens {
		start := len(text)
		for _, c := range token {
			b, ok := alphabet.bytes[c]
			if !ok {
				text = append(text[:start], token...)
				break
			}
			text = append(text, b)
		}
	}
	return []string{lossyUTF8(text)}
}

// lossyUTF8 replaces each longest start of a character that is not continued,
// and each byte that starts none, with U+FFFD, as Rust does.
func lossyUTF8(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			size = brokenLength(text)
		}
		out.WriteRune(r)
		text = text[size:]
	}
	return out.String()
}

// brokenLength is how many bytes at the start of text could start a character,
// at least one.
func brokenLength(text []byte) int {
	first := text[0]
	low, high := byte(0x80), byte(0xBF) // of the second byte
	var size int
	switch {
	case 0xC2 <= first && first <= 0xDF:
		size = 2
	case 0xE0 <= first && first <= 0xEF:
		size = 3
	case 0xF0 <= first && first <= 0xF4:
		size = 4
	default:
		return 1
	}
	switch first {
	case 0xE0:
		low = 0xA0
	case 0xED:
		high = 0x9F
	case 0xF0:
		low = 0x90
	case 0xF4:
		high = 0x8F
	}
	n := 1
	for n < min(size, len(text)) && low <= text[n] && text[n] <= high {
		low, high = 0x80, 0xBF
		n++
	}
	return n
}
