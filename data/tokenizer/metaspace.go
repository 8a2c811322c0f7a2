package tokenizer

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// prependScheme says before which pieces Metaspace puts its character.
type prependScheme string

const (
	prependAlways prependScheme = "always"
	prependFirst  prependScheme = "first" // the one at the very start of the text
	prependNever  prependScheme = "never"
)

// metaspace is Metaspace: it writes a visible character for a space, one before
// a piece too, and starts a word at each.
type metaspace struct {
	space  []byte
	scheme prependScheme
	split  bool
}

// sentencePieceSpace is SentencePiece's visible space.
const sentencePieceSpace = "▁"

func newMetaspace(space string, scheme prependScheme, split bool) (*metaspace, error) {
	if utf8.RuneCountInString(space) != 1 {
		return nil, fmt.Errorf("replacement %q is not one character", space)
	}
	switch scheme {
	case prependAlways, prependFirst, prependNever:
		return &metaspace{space: []byte(space), scheme: scheme, split: split}, nil
	}
	return nil, fmt.Errorf("prepend_scheme %q is not supported; only always, first and never are", scheme)
}

func (m *metaspace) write(piece []byte, atStart bool, model model, s *scratch) bool {
	word := s.word[:0]
	if m.prepends(atStart) && piece[0] != ' ' && !bytes.HasPrefix(piece, m.space) {
		word = append(word, m.space...)
	}
	for i := 0; i < len(piece); {
		var size int
		switch {
		case piece[i] == ' ':
			size = 1
		case bytes.HasPrefix(piece[i:], m.space):
			size = len(m.space)
		default:
			word = append(word, piece[i])
			i++
			continue
		}
		if m.split && len(word) > 0 {
			s.word = word
			if !s.add(model, word) {
				return false
			}
			word = word[:0]
		}
		word = append(word, m.space...)
		i += size
	}
	s.word = word
	return s.add(model, word)
}

func (m *metaspace) prepends(atStart bool) bool {
	return m.scheme == prependAlways || m.scheme == prependFirst && atStart
}

// decode takes the spaces at the start of the first token away, where encoding
// may have put them.
func (m *metaspace) decode(tokens []string) []string {
	space := string(m.space)
	for i, token := range tokens {
		plain := " "
		if i == 0 && m.scheme != prependNever {
			plain = ""
		}
		tokens[i] = strings.ReplaceAll(token, space, plain)
	}
	return tokens
}
