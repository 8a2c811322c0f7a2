package tokenizer

import (
	"sort"
	"unicode/utf8"
)

// bertNormalizer is Hugging Face's BertNormalizer. Its steps run in this order,
// each where its flag is set: clean drops control characters and turns white
// space into blanks, ideographs puts blanks around Chinese characters, strip
// decomposes canonically and drops nonspacing marks, lower lower-cases
// character by character.
//
// The effect on a character depends on that character alone, canonical
// reordering of a few combining characters apart, so newBertNormalizer works all
// effects out beforehand.
type bertNormalizer struct {
	clean, ideographs, strip, lower bool

	ascii   [utf8.RuneSelf]byte // the replacing byte, or dropByte
	effects *runeTable
	outputs []string // what effects from firstOutput on append
}

const dropByte = 0xFF

// Effects of a character.
const (
	keep uint16 = iota
	drop
	blank
	surround    // append a blank, the character, a blank
	decompose   // Hangul syllable
	reorder     // takes part in canonical ordering: see appendRun
	firstOutput // and above: append outputs[effect-firstOutput]
)

// Hangul syllables.
const (
	hangulFirst     = 0xAC00
	hangulLast      = 0xD7A3
	hangulTrailings = 28 // of a leading consonant and a vowel
)

func newBertNormalizer(clean, chinese, strip, lower bool) *bertNormalizer {
	n := &bertNormalizer{clean: clean, ideographs: chinese, strip: strip, lower: lower, effects: newRuneTable()}
	// A later step's effect absorbs those of the steps before it, so the
	// table is filled from the last step to the first.
	if lower {
		for _, m := range lowerCase {
			n.setOutput(m.from, m.to)
		}
	}
	if strip {
		n.compileStrip()
	}
	if chinese {
		ideographs.each(n.compileIdeograph)
	}
	if clean {
		spaceChars.each(func(r rune) { n.effects.set(r, blank) })
		removedChars.each(func(r rune) { n.effects.set(r, drop) })
	}
	n.compileASCII()
	return n
}

func (n *bertNormalizer) setOutput(r rune, output string) {
	n.effects.set(r, firstOutput+uint16(len(n.outputs)))
	n.outputs = append(n.outputs, output)
}

func (n *bertNormalizer) compileStrip() {
	for r := rune(hangulFirst); r <= hangulLast; r++ {
		n.effects.set(r, decompose)
	}
	markChars.each(func(r rune) { n.effects.set(r, drop) })
	for _, m := range decompositions {
		output, ordered := "", false
		for _, r := range m.to {
			if markChars.contains(r) {
				continue
			}
			_, moves := combiningOrder[r]
			ordered = ordered || moves
			output += n.lowered(r)
		}
		switch {
		case ordered:
			n.effects.set(m.from, reorder)
		case output == "":
			n.effects.set(m.from, drop)
		default:
			n.setOutput(m.from, output)
		}
	}
	for r := range combiningOrder {
		n.effects.set(r, reorder)
	}
}

func (n *bertNormalizer) lowered(r rune) string {
	if n.lower {
		if to, ok := lowerCase.lookup(r); ok {
			return to
		}
	}
	return string(r)
}

func (n *bertNormalizer) compileIdeograph(r rune) {
	if effect := n.effects.at(r); effect >= firstOutput { // a compatibility ideograph
		n.setOutput(r, " "+n.outputs[effect-firstOutput]+" ")
		return
	}
	n.effects.set(r, surround)
}

func (n *bertNormalizer) compileASCII() {
	for b := range n.ascii {
		switch effect := n.effects.at(rune(b)); effect {
		case keep:
			n.ascii[b] = byte(b)
		case drop:
			n.ascii[b] = dropByte
		case blank:
			n.ascii[b] = ' '
		default: // lower case: ASCII stays ASCII
			n.ascii[b] = n.outputs[effect-firstOutput][0]
		}
	}
}

// append appends the normalized text, which must be valid UTF-8.
func (n *bertNormalizer) append(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf {
			if out := n.ascii[b]; out != dropByte {
				dst = append(dst, out)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch effect := n.effects.at(r); effect {
		case keep:
			dst = append(dst, text[i:i+size]...)
		case drop:
		case blank:
			dst = append(dst, ' ')
		case surround:
			dst = append(dst, ' ')
			dst = append(dst, text[i:i+size]...)
			dst = append(dst, ' ')
		case decompose:
			dst = appendHangul(dst, r)
		case reorder:
			dst, size = n.appendRun(dst, text[i:])
		default:
			dst = append(dst, n.outputs[effect-firstOutput]...)
		}
		i += size
	}
	return dst
}

// appendHangul decomposes a syllable arithmetically (Unicode, section 3.12).
func appendHangul(dst []byte, r rune) []byte {
	const leading, vowel, trailing, vowels = 0x1100, 0x1161, 0x11A7, 21
	index := r - hangulFirst
	dst = utf8.AppendRune(dst, leading+index/(vowels*hangulTrailings))
	dst = utf8.AppendRune(dst, vowel+index%(vowels*hangulTrailings)/hangulTrailings)
	if index%hangulTrailings != 0 {
		dst = utf8.AppendRune(dst, trailing+index%hangulTrailings)
	}
	return dst
}

// appendRun appends, in canonical order, the combining characters that text
// starts with, and returns how many bytes of text they took. The first
// character may bring its own base along.
func (n *bertNormalizer) appendRun(dst []byte, text string) ([]byte, int) {
	var run []rune
	end := len(text)
	for i, r := range text {
		if n.clean && removedChars.contains(r) {
			continue
		}
		chars, ok := decompositions.lookup(r)
		if !ok {
			chars = string(r)
		}
		if first, _ := utf8.DecodeRuneInString(chars); i > 0 && !nonstarters.contains(first) {
			end = i
			break
		}
		for _, c := range chars {
			if _, moves := combiningOrder[c]; moves {
				run = append(run, c)
			} else if !markChars.contains(c) {
				dst = append(dst, n.lowered(c)...)
			}
		}
	}
	sort.SliceStable(run, func(i, j int) bool { return combiningOrder[run[i]] < combiningOrder[run[j]] })
	for _, r := range run {
		dst = utf8.AppendRune(dst, r)
	}
	return dst, end
}
