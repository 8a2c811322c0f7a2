package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// wordPiece splits a word into the longest vocabulary entries that cover it
// from the left; all but the first carry the prefix ("##"). A word that is not
// covered, or has more than maxChars characters, is one unknown token.
type wordPiece struct {
	vocabulary
	unknown  int32
	maxChars int

	pieces *trie
	inside int32 // state of pieces after the prefix, or noState
}

func newWordPiece(vocab map[string]int32, prefix, unknown string, maxChars int) (*wordPiece, error) {
	keys := make(map[string]int32, len(vocab))
	for token, id := range vocab {
		if id < 0 {
			return nil, fmt.Errorf("token %q has the negative id %d", token, id)
		}
		if token != "" { // a piece has at least one character
			keys[token] = id
		}
	}
	unknownID, ok := vocab[unknown]
	if !ok {
		return nil, fmt.Errorf("the unknown token %q is not in the vocabulary", unknown)
	}
	if maxChars < 0 {
		return nil, fmt.Errorf("max_input_chars_per_word is %d", maxChars)
	}
	w := &wordPiece{vocabulary: newVocabulary(vocab), unknown: unknownID, maxChars: maxChars, pieces: newTrie(keys)}
	w.inside = w.pieces.walk(prefix)
	return w, nil
}

// append appends the ids of one word.
func (w *wordPiece) append(ids []int32, word []byte, _ *scratch) []int32 {
	if len(word) > w.maxChars && utf8.RuneCount(word) > w.maxChars {
		return append(ids, w.unknown)
	}
	start, state := len(ids), int32(rootState)
	for len(word) > 0 {
		id, length := int32(noValue), 0
		if state != noState {
			id, length = longest(w.pieces, state, word)
		}
		if id == noValue {
			return append(ids[:start], w.unknown)
		}
		ids = append(ids, id)
		word = word[length:]
		state = w.inside
	}
	return ids
}
