package tokenizer

import "fmt"

// model turns words into tokens.
type model interface {
	// append appends the ids of one word, which is not empty.
	append(ids []int32, word []byte, s *scratch) []int32

	vocab() *vocabulary
}

// vocabulary is the tokens of a model.
type vocabulary struct {
	ids    map[string]int32
	tokens map[int32]string
	size   int // as tokenizers counts: added tokens come after it
}

func (v *vocabulary) vocab() *vocabulary { return v }

// newVocabulary holds tokens of the given ids, which must not be negative.
func newVocabulary(ids map[string]int32) vocabulary {
	v := vocabulary{ids: ids, tokens: make(map[int32]string, len(ids)), size: len(ids)}
	for token, id := range ids {
		if other, ok := v.tokens[id]; !ok || token < other { // two tokens of one id: one choice, always the same
			v.tokens[id] = token
		}
	}
	return v
}

// idOr is the id of a token, or none where there is no such token.
func (v *vocabulary) idOr(token string, none int32) int32 {
	if id, ok := v.ids[token]; ok {
		return id
	}
	return none
}

// byteTokens are the ids of the tokens <0x00> to <0xFF>, noValue for those
// that are missing.
func (v *vocabulary) byteTokens() []int32 {
	ids := make([]int32, 256)
	for b := range ids {
		ids[b] = v.idOr(fmt.Sprintf("<0x%02X>", b), noValue)
	}
	return ids
}
