package tokenizer

import (
	"math"
	"sync"
	"unicode/utf8"
)

// Tokenizer turns text into token ids. Many goroutines may share it.
type Tokenizer struct {
	parts
	added   *addedTokens
	tokens  map[int32]string // the model's, by id
	breaks  *runeTable
	pad     int32
	scratch sync.Pool
}

// parts are what a file describes.
type parts struct {
	normalizer   *normalizer
	model        *wordPiece
	single, pair template
	decoder      decoder
	addedTokens  []addedToken
}

func newTokenizer(p parts) (*Tokenizer, error) {
	added, err := newAddedTokens(p.addedTokens, p.model, p.normalizer)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{parts: p, added: added, tokens: make(map[int32]string, len(p.model.vocab)), breaks: wordBreaks()}
	for token, id := range p.model.vocab {
		if other, ok := t.tokens[id]; !ok || token < other { // two tokens of one id: one choice, always the same
			t.tokens[id] = token
		}
	}
	t.scratch.New = func() any { return new(scratch) }
	return t, nil
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

// scratch holds buffers between calls.
type scratch struct {
	text          []byte
	first, second []int32
}

// maxScratch is the size in bytes above which a text's buffers are given back
// to the garbage collector.
const maxScratch = 1 << 20

func (s *scratch) putBack(t *Tokenizer) {
	if cap(s.text) <= maxScratch {
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
	found := func(id int32) bool {
		ids = append(ids, id)
		return len(ids) < limit
	}
	words := func(normalized []byte) bool {
		ids = t.appendWords(ids, normalized, limit)
		return len(ids) < limit
	}
	t.added.raw.split(text, func(part string) bool {
		s.text = t.normalizer.append(s.text[:0], part)
		if t.added.normalized == nil {
			return words(s.text)
		}
		return t.added.normalized.split(string(s.text), func(part string) bool {
			return words([]byte(part))
		}, found)
	}, found)
	return ids
}

// appendWords cuts normalized text at white space and around punctuation, as
// Hugging Face's BertPreTokenizer does, and appends the ids of the words. It
// stops once there are limit ids.
func (t *Tokenizer) appendWords(ids []int32, text []byte, limit int) []int32 {
	for i := 0; i < len(text) && len(ids) < limit; {
		class, size := t.classAt(text, i)
		if class == betweenWords {
			i += size
			continue
		}
		end := i + size
		for class == inWord && end < len(text) {
			if class, size = t.classAt(text, end); class == inWord {
				end += size
			}
		}
		ids = t.model.append(ids, text[i:end])
		i = end
	}
	return ids
}

// classAt returns the class and length of the character at text[i].
func (t *Tokenizer) classAt(text []byte, i int) (class uint16, size int) {
	if b := text[i]; b < utf8.RuneSelf {
		return t.breaks.at(rune(b)), 1
	}
	r, size := utf8.DecodeRune(text[i:])
	return t.breaks.at(r), size
}

// Decode makes a text of ids: pieces of a word are joined and, where the file
// asks for it, spaces before punctuation removed. Ids that no token has are
// passed over, and with skipSpecial the special tokens too.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		token, ok := t.IDToToken(id)
		if ok && !(skipSpecial && t.added.skip[token]) {
			tokens = append(tokens, token)
		}
	}
	return t.decoder(tokens)
}

// VocabSize is the number of tokens, added ones included.
func (t *Tokenizer) VocabSize() int {
	size := len(t.model.vocab)
	for content := range t.added.ids {
		if _, ok := t.model.vocab[content]; !ok {
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
	id, ok := t.model.vocab[token]
	return id, ok
}

// IDToToken returns the token of an id and whether there is one. An added
// token that is sought in normalized text comes in its normalized form.
func (t *Tokenizer) IDToToken(id int32) (string, bool) {
	if token, ok := t.added.texts[id]; ok {
		return token, true
	}
	token, ok := t.tokens[id]
	return token, ok
}

// PadID is the id to pad with: that of the padding token, which
// tokenizer_config.json names ("[PAD]" where it does not), and 0 where the
// vocabulary lacks it.
func (t *Tokenizer) PadID() int32 { return t.pad }
