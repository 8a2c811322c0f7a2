package tokenizer

import "unicode/utf8"

// preTokenizer cuts normalized text into the words that the model is given:
// each splitter cuts the pieces of the one before it, and the last pieces are
// written as the model knows them. The zero value leaves a text whole.
type preTokenizer struct {
	splits []splitter
	writer wordWriter // nil: as they are
}

// splitter cuts a text into pieces.
type splitter interface {
	// next returns the next piece at or after from, which is not empty, or
	// the end of the text twice.
	next(text []byte, from int) (start, end int)
}

// wordWriter writes a piece as words and gives them to the model. It reports
// whether more is asked for. atStart tells that the piece comes from the very
// start of the text.
type wordWriter interface {
	write(piece []byte, atStart bool, m model, s *scratch) bool
}

// append gives the words of text to the model and reports whether more is
// asked for. The first head bytes of text come from the very start of the text.
func (p *preTokenizer) append(text []byte, head int, m model, s *scratch) bool {
	return len(text) == 0 || p.cut(p.splits, text, head, m, s)
}

func (p *preTokenizer) cut(splits []splitter, text []byte, head int, m model, s *scratch) bool {
	if len(splits) == 0 {
		if p.writer == nil {
			return s.add(m, text)
		}
		return p.writer.write(text, head > 0, m, s)
	}
	for from := 0; from < len(text); {
		start, end := splits[0].next(text, from)
		if start < end && !p.cut(splits[1:], text[start:end], head-start, m, s) {
			return false
		}
		from = end
	}
	return true
}

// asksForHead tells whether it matters what comes from the start of the text.
func (p *preTokenizer) asksForHead() bool {
	m, ok := p.writer.(*metaspace)
	return ok && m.scheme == prependFirst
}

// bertSplit is BertPreTokenizer: it cuts at white space and around
// punctuation.
type bertSplit struct{ breaks *runeTable }

func (b bertSplit) next(text []byte, from int) (start, end int) {
	for i := from; i < len(text); {
		class, size := classAt(b.breaks, text, i)
		if class == betweenWords {
			i += size
			continue
		}
		end := i + size
		for class == inWord && end < len(text) {
			if class, size = classAt(b.breaks, text, end); class == inWord {
				end += size
			}
		}
		return i, end
	}
	return len(text), len(text)
}

// whitespaceSplit is WhitespaceSplit: it cuts at white space.
type whitespaceSplit struct{ breaks *runeTable }

func (w whitespaceSplit) next(text []byte, from int) (start, end int) {
	for from < len(text) {
		class, size := classAt(w.breaks, text, from)
		if class != betweenWords {
			break
		}
		from += size
	}
	end = from
	for end < len(text) {
		class, size := classAt(w.breaks, text, end)
		if class == betweenWords {
			break
		}
		end += size
	}
	return from, end
}

// classAt returns the class and length of the character at text[i].
func classAt(classes *runeTable, text []byte, i int) (class uint16, size int) {
	if b := text[i]; b < utf8.RuneSelf {
		return classes.at(rune(b)), 1
	}
	r, size := utf8.DecodeRune(text[i:])
	return classes.at(r), size
}
