package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// charsmap holds the replacements of a SentencePiece file's
// precompiled_charsmap: the length of a double array in bytes, the double
// array as SentencePiece's darts-clone writes it, and the replacing texts,
// each ended by a zero byte.
type charsmap struct {
	units []unit
	texts string
}

// unit is an element of darts-clone's double array: where it is reached by a
// byte, that byte is its label; its children lie at its base, which is its own
// position XOR the offset, XOR their labels.
type unit uint32

func (u unit) hasLeaf() bool { return u>>8&1 == 1 }
func (u unit) value() int    { return int(u &^ (1 << 31)) }
func (u unit) label() unit   { return u & (1<<31 | 0xFF) }
func (u unit) offset() int   { return int(u >> 10 << (u & (1 << 9) >> 6)) }

func newCharsmap(content []byte) (*charsmap, error) {
	const header, unitSize = 4, 4
	if len(content) < header {
		return nil, errors.New("the charsmap is cut short: it has no length")
	}
	size := uint64(binary.LittleEndian.Uint32(content))
	content = content[header:]
	if size > uint64(len(content)) {
		return nil, fmt.Errorf("the charsmap is cut short: its double array has %d bytes, %d are there", size, len(content))
	}
	m := &charsmap{units: make([]unit, size/unitSize)}
	if len(m.units) == 0 {
		return nil, errors.New("the charsmap's double array is empty")
	}
	for i := range m.units {
		m.units[i] = unit(binary.LittleEndian.Uint32(content[i*unitSize:]))
	}
	m.texts = string(content[len(m.units)*unitSize:])
	if !utf8.ValidString(m.texts) {
		return nil, errors.New("the charsmap's replacements are not valid UTF-8")
	}
	return m, m.check()
}

// check follows every path from the root, so that lookup need not look where it
// steps.
func (m *charsmap) check() error {
	seen := make([]bool, len(m.units))
	todo := []int{m.units[0].offset()}
	for len(todo) > 0 {
		base := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if base|0xFF >= len(m.units) {
			return fmt.Errorf("the charsmap leads out of its double array: to %d of %d units", base, len(m.units))
		}
		if seen[base] {
			continue
		}
		seen[base] = true
		for label := 1; label <= 0xFF; label++ {
			at := base ^ label
			u := m.units[at]
			if u.label() != unit(label) {
				continue
			}
			child := at ^ u.offset()
			if u.hasLeaf() {
				if err := m.checkLeaf(child); err != nil {
					return err
				}
			}
			todo = append(todo, child)
		}
	}
	return nil
}

func (m *charsmap) checkLeaf(at int) error {
	if at >= len(m.units) {
		return fmt.Errorf("the charsmap leads out of its double array: to %d of %d units", at, len(m.units))
	}
	text := m.units[at].value()
	if text > len(m.texts) || text < len(m.texts) && !utf8.RuneStart(m.texts[text]) {
		return fmt.Errorf("the charsmap has a replacement at %d, where none starts", text)
	}
	return nil
}

// lookup returns the replacement for the shortest key that text starts with.
func (m *charsmap) lookup(text string) (replacement string, ok bool) {
	at := m.units[0].offset()
	for i := 0; i < len(text) && text[i] != 0; i++ {
		at ^= int(text[i])
		u := m.units[at]
		if u.label() != unit(text[i]) {
			return "", false
		}
		at ^= u.offset()
		if u.hasLeaf() {
			replacement = m.texts[m.units[at].value():]
			replacement, _, _ = strings.Cut(replacement, "\x00")
			return replacement, true
		}
	}
	return "", false
}
