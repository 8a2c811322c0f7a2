package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram cuts a word into the pieces whose scores have the greatest sum. A
// character that is no piece is an unknown one, and neighbouring ones are one
// token. Sums are made in float64 from the left and of equal ones the first
// wins, as in tokenizers.
type unigram struct {
	vocabulary
	scores       []float64 // by id
	pieces       *trie
	unknown      int32
	unknownScore float64
	bytes        []int32 // tokens of unknown bytes, nil without byte fallback
}

type scoredPiece struct {
	text  string
	score float64
}

// unknownPenalty is what an unknown character scores less than the worst piece.
const unknownPenalty = 10

// newUnigram gives each piece its index as id. Of pieces of the same text the
// last one counts.
func newUnigram(pieces []scoredPiece, unknown int, byteFallback bool) (*unigram, error) {
	if len(pieces) > math.MaxInt32 {
		return nil, errors.New("the vocabulary is too large")
	}
	if unknown < 0 || unknown >= len(pieces) {
		return nil, fmt.Errorf("unk_id %d is not the id of one of the %d pieces", unknown, len(pieces))
	}
	u := &unigram{
		vocabulary: vocabulary{ids: make(map[string]int32, len(pieces)), tokens: make(map[int32]string, len(pieces)), size: len(pieces)},
		scores:     make([]float64, len(pieces)),
		unknown:    int32(unknown),
	}
	lowest := math.Inf(1)
	for i, p := range pieces {
		id := int32(i)
		if math.IsNaN(p.score) || math.IsInf(p.score, 0) {
			return nil, fmt.Errorf("piece %d, %q, has the score %g", i, p.text, p.score)
		}
		u.ids[p.text], u.tokens[id], u.scores[i] = id, p.text, p.score
		lowest = min(lowest, p.score)
	}
	u.unknownScore = lowest - unknownPenalty
	keys := make(map[string]int32, len(u.ids))
	for text, id := range u.ids {
		if text != "" { // a piece has at least one character
			keys[text] = id
		}
	}
	u.pieces = newTrie(keys)
	if byteFallback {
		u.bytes = u.byteTokens()
	}
	return u, nil
}

// step is the last piece of the best way to cut a word up to some place.
type step struct {
	score float64 // of the whole way
	id    int32
	start int32 // where the piece starts; notReached where there is no way yet
}

const notReached = -1

func (u *unigram) append(ids []int32, word []byte, s *scratch) []int32 {
	path := u.bestPath(word, s)
	n, start := len(ids), 0
	for at := len(word); at > 0; at = start {
		start = int(path[at].start)
		if path[at].id == u.unknown {
			for start > 0 && path[start].id == u.unknown {
				start = int(path[start].start)
			}
			ids = u.prependUnknown(ids, word[start:at])
			continue
		}
		ids = append(ids, path[at].id)
	}
	for i, j := n, len(ids)-1; i < j; i, j = i+1, j-1 {
		ids[i], ids[j] = ids[j], ids[i]
	}
	return ids
}

// bestPath is Viterbi's algorithm. The step that ends at byte i of the word is
// at index i.
func (u *unigram) bestPath(word []byte, s *scratch) []step {
	if cap(s.path) <= len(word) {
		s.path = make([]step, len(word)+1, 2*len(word)+1)
	}
	path := s.path[:len(word)+1]
	path[0] = step{}
	for i := 1; i < len(path); i++ {
		path[i].start = notReached
	}
	for at := 0; at < len(word); {
		here := path[at].score
		size := 1
		if word[at] >= utf8.RuneSelf {
			_, size = utf8.DecodeRune(word[at:])
		}
		single := false
		for i, state := at, int32(rootState); i < len(word); i++ {
			if state = u.pieces.next(state, word[i]); state == noState {
				break
			}
			if id := u.pieces.nodes[state].value; id != noValue {
				path[i+1].offer(here+u.scores[id], id, at)
				single = single || i+1 == at+size
			}
		}
		if !single {
			path[at+size].offer(here+u.unknownScore, u.unknown, at)
		}
		at += size
	}
	return path
}

func (s *step) offer(score float64, id int32, start int) {
	if s.start == notReached || score > s.score {
		*s = step{score: score, id: id, start: int32(start)}
	}
}

// prependUnknown appends the ids of unknown characters from the last to the
// first: that of the piece which they are after all, those of their bytes, or
// the unknown one.
func (u *unigram) prependUnknown(ids []int32, text []byte) []int32 {
	if id, ok := u.ids[string(text)]; ok {
		return append(ids, id)
	}
	if u.bytes == nil {
		return append(ids, u.unknown)
	}
	n := len(ids)
	for i := len(text) - 1; i >= 0; i-- {
		id := u.bytes[text[i]]
		if id == noValue {
			return append(ids[:n], u.unknown)
		}
		ids = append(ids, id)
	}
	return ids
}
