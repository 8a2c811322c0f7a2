package tokenizer

import (
	"errors"
	"math"
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokenizer turns text into token ids. Many goroutines may share it.
type Tokenizer struct {
	parts
	added   *addedTokens
	pad     int32
	eos     int32 // noValue where there is none
	scratch sync.Pool
}

// parts are what a file describes.
type parts struct {
	normalizer   normalizers
	preTokenizer preTokenizer
	model        model
	single, pair template
	decoder      decoder
	addedTokens  []addedToken
}

func newTokenizer(p parts) (*Tokenizer, error) {
	if p.preTokenizer.asksForHead() && !p.normalizer.trace() {
		return nil, errors.New("prepend_scheme \"first\" of Metaspace is not supported after a BertNormalizer")
	}
	added, err := newAddedTokens(p.addedTokens, p.model.vocab(), p.normalizer)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{parts: p, added: added, eos: noValue}
	t.scratch.New = func() any { return new(scratch) }
	return t, nil
}

// setSpecial keeps the ids of the tokens that a configuration names, or else of
// the first usual name that the vocabulary has.
func (t *Tokenizer) setSpecial(config *config) {
	t.pad = t.firstID(0, config.Pad.content, "[PAD]", "<pad>")
	t.eos = t.firstID(noValue, config.EOS.content, "</s>", "<|endoftext|>")
}

// Encoding is the input that a model gets for a text or a pair of texts,
// special tokens included and not padded.
type Encoding struct {
	IDs   []int32 // token ids
	Types []int32 // token type ids, as many: 0 for the first text, 1 for the second, where the template says so
}

// Encode is EncodePair for one text.
func (t *Tokenizer) Encode(text string, maxLength int) Encoding {
	return t.EncodePair(text, "", maxLength)
}

// EncodePair encodes two texts, or just the first where the second is empty.
//
// At most maxLength tokens come out, special tokens included; 0 stands for no
// limit. Texts that are too long lose tokens at their ends, the longer one
// first ("longest_first" of Hugging Face's tokenizers, to the token). A limit
// below the number of special tokens leaves just these.
//
// A byte of a text that is not valid UTF-8 counts as U+FFFD.
func (t *Tokenizer) EncodePair(first, second string, maxLength int) Encoding {
	return t.AppendPair(Encoding{}, first, second, maxLength)
}

// AppendPair appends what EncodePair returns to dst, so that a caller can use
// its slices again.
func (t *Tokenizer) AppendPair(dst Encoding, first, second string, maxLength int) Encoding {
	s := t.scratch.Get().(*scratch)
	defer s.putBack(t)
	template := t.single
	if second != "" {
		template = t.pair
	}
	room, limit := noLimit, noLimit
	if maxLength > 0 {
		room = max(maxLength-template.added, 0)
	}
	if second == "" { // of two texts, how much stays depends on how long both are
		limit = room
	}
	s.first = t.appendSequence(s.first[:0], first, s, limit)
	s.second = t.appendSequence(s.second[:0], second, s, limit)
	a, b := s.first, s.second
	if len(a)+len(b) > room {
		n1, n2 := keepLongestFirst(len(a), len(b), room)
		a, b = a[:n1], b[:n2]
	}
	return template.append(dst, a, b)
}

// EncodePlain returns the ids of a text without the special tokens around it:
// what a word is as a part of a text.
func (t *Tokenizer) EncodePlain(text string) []int32 {
	s := t.scratch.Get().(*scratch)
	defer s.putBack(t)
	return t.appendSequence(nil, text, s, noLimit)
}

// scratch holds buffers between calls.
type scratch struct {
	first, second []int32

	ids   []int32 // of the text at work
	limit int     // no more of them are needed

	text   []byte // normalized
	spaced []byte // a piece with a space before it
	word   []byte // as the model knows it

	path    []step // of a Unigram model
	symbols []symbol
	queue   candidates // of a BPE model
}

// add lets the model append the ids of a word and reports whether more are
// needed.
func (s *scratch) add(m model, word []byte) bool {
	s.ids = m.append(s.ids, word, s)
	return len(s.ids) < s.limit
}

// maxScratch is the size in bytes above which a text's buffers are given back
// to the garbage collector.
const maxScratch = 1 << 20

func (s *scratch) putBack(t *Tokenizer) {
	const perByte = 24 // of the largest of the buffers
	if max(cap(s.text), cap(s.spaced), cap(s.word), perByte*cap(s.path), perByte*cap(s.symbols), perByte*cap(s.queue)) <= maxScratch {
		t.scratch.Put(s)
	}
}

// noLimit lets appendSequence run to the end of the text.
const noLimit = math.MaxInt

// appendSequence appends the ids of a text without the special tokens of the
// template. It may stop once there are limit ids.
func (t *Tokenizer) appendSequence(ids []int32, text string, s *scratch, limit int) []int32 {
	if !utf8.ValidString(text) {
		text = string([]rune(text))
	}
	s.ids, s.limit = ids, limit
	found := func(id int32) bool {
		s.ids = append(s.ids, id)
		return len(s.ids) < s.limit
	}
	t.added.raw.split(text, func(part string, at int) bool {
		s.text = t.normalizer.append(s.text[:0], part)
		head := 0 // of the normalized part, what comes from the text's first character
		if at == 0 && t.preTokenizer.asksForHead() {
			head = t.normalizer.head(part, firstChar(part))
		}
		if t.added.normalized == nil {
			return t.preTokenizer.append(s.text, head, t.model, s)
		}
		return t.added.normalized.split(string(s.text), func(part string, at int) bool {
			return t.preTokenizer.append([]byte(part), head-at, t.model, s)
		}, found)
	}, found)
	ids, s.ids = s.ids, nil
	return ids
}

// Decode makes a text of ids, as the file asks for: pieces of a word are joined,
// visible spaces become spaces, bytes characters, and with WordPiece spaces
// before punctuation may go. Ids that no token has are passed over, and with
// skipSpecial the special tokens too.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		token, ok := t.IDToToken(id)
		if ok && !(skipSpecial && t.added.skip[token]) {
			tokens = append(tokens, token)
		}
	}
	return strings.Join(t.decoder(tokens), "")
}

// VocabSize is the number of tokens, added ones included.
func (t *Tokenizer) VocabSize() int {
	vocab := t.model.vocab()
	size := vocab.size
	for content := range t.added.ids {
		if _, ok := vocab.ids[content]; !ok {
			size++
		}
	}
	return size
}

// TokenToID returns the id of a token and whether there is one.
func (t *Tokenizer) TokenToID(token string) (int32, bool) {
	if id, ok := t.added.ids[token]; ok {
		return id, true
	}
	id, ok := t.model.vocab().ids[token]
	return id, ok
}

// IDToToken returns the token of an id and whether there is one. An added
// token that is sought in normalized text comes in its normalized form.
func (t *Tokenizer) IDToToken(id int32) (string, bool) {
	if token, ok := t.added.texts[id]; ok {
		return token, true
	}
	token, ok := t.model.vocab().tokens[id]
	return token, ok
}

// PadID is the id to pad with: that of the padding token, which
// tokenizer_config.json names ("[PAD]" or "<pad>" where it does not), and 0
// where the vocabulary lacks it.
func (t *Tokenizer) PadID() int32 { return t.pad }

// EOSID is the id of the token that ends a text, and with it a generated one,
// and whether there is one: the one that tokenizer_config.json names ("</s>" or
// "<|endoftext|>" where it does not).
func (t *Tokenizer) EOSID() (id int32, ok bool) { return t.eos, t.eos != noValue }

// firstID is the id of the token that is named or, where none is, of the first
// of the usual names that is a token; else none.
func (t *Tokenizer) firstID(none int32, named string, usual ...string) (id int32) {
	if named != "" {
		usual = []string{named}
	}
	for _, token := range usual {
		if id, ok := t.TokenToID(token); ok {
			return id
		}
	}
	return none
}
