package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// addedToken is an entry of "added_tokens" in tokenizer.json.
type addedToken struct {
	content    string
	id         int32
	special    bool // Decode may skip it
	singleWord bool // not beside a word character
	lstrip     bool // takes the white space before it along
	rstrip     bool // takes the white space after it along
	normalized bool // sought in the normalized text, by its normalized content
}

// finder finds added tokens in a text: leftmost, and of those the longest.
type finder struct {
	tokens   []addedToken
	patterns *trie
	first    [256]bool // bytes that a pattern starts with
}

// newFinder seeks every token by the pattern of the same index. It is nil
// where there are no tokens.
func newFinder(tokens []addedToken, patterns []string) (*finder, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	f := &finder{tokens: tokens}
	index := make(map[string]int32, len(patterns))
	for i, pattern := range patterns {
		if pattern == "" {
			return nil, fmt.Errorf("added token %q has no character left after normalization", tokens[i].content)
		}
		if other, ok := index[pattern]; ok {
			return nil, fmt.Errorf("added tokens %q and %q are the same after normalization", tokens[other].content, tokens[i].content)
		}
		index[pattern] = int32(i)
		f.first[pattern[0]] = true
	}
	f.patterns = newTrie(index)
	return f, nil
}

// find returns the next pattern in text at or after from: its token, nil where
// there is none, and where it starts and ends.
func (f *finder) find(text string, from int) (token *addedToken, start, end int) {
	for i := from; i < len(text); i++ {
		if !f.first[text[i]] {
			continue
		}
		if index, length := longest(f.patterns, rootState, text[i:]); index != noValue {
			return &f.tokens[index], i, i + length
		}
	}
	return nil, len(text), len(text)
}

// split cuts text into added tokens and what lies between them. It calls
// between, with a part of text and where it starts, and found in turn until one
// returns false, and reports whether none did.
func (f *finder) split(text string, between func(part string, at int) bool, found func(id int32) bool) bool {
	if f == nil {
		return between(text, 0)
	}
	done := 0
	for from := 0; ; {
		token, start, end := f.find(text, from)
		if token == nil {
			break
		}
		from = end
		if token.singleWord && (endsInWord(text[:start]) || startsWithWord(text[end:])) {
			continue
		}
		if token.lstrip {
			// The token before may have taken these spaces already.
			start = max(spaceStart(text[:start]), done)
		}
		if token.rstrip {
			end += spaceEnd(text[end:])
		}
		if done < start && !between(text[done:start], done) {
			return false
		}
		// Nothing is left of a token of white space that the one before took.
		if start < end && !found(token.id) {
			return false
		}
		done = end
	}
	return done == len(text) || between(text[done:], done)
}

func endsInWord(text string) bool {
	r, size := utf8.DecodeLastRuneInString(text)
	return size > 0 && wordChars.contains(r)
}

func startsWithWord(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	return size > 0 && wordChars.contains(r)
}

// spaceStart is where the white space at the end of text starts.
func spaceStart(text string) int {
	return len(strings.TrimRightFunc(text, spaceChars.contains))
}

// spaceEnd is where the white space at the start of text ends.
func spaceEnd(text string) int {
	return len(text) - len(strings.TrimLeftFunc(text, spaceChars.contains))
}

// addedTokens is the vocabulary beside the model's.
type addedTokens struct {
	ids   map[string]int32 // by content
	texts map[int32]string // by id, as Decode writes them
	skip  map[string]bool  // texts of special tokens

	raw        *finder // before normalization
	normalized *finder // after it
}

// newAddedTokens gives every token its id: the model's where the model knows
// the content, else the next one after the model's, in order, as Hugging
// Face's tokenizers does; the id written in the file has no say.
func newAddedTokens(list []addedToken, model *vocabulary, n normalizers) (*addedTokens, error) {
	a := &addedTokens{ids: map[string]int32{}, texts: map[int32]string{}, skip: map[string]bool{}}
	last := map[string]addedToken{} // a repeated content replaces the former
	var order []string
	next := int32(model.size)
	for _, token := range list {
		if token.content == "" {
			continue
		}
		id, ok := a.ids[token.content]
		if !ok {
			order = append(order, token.content)
			if id, ok = model.ids[token.content]; !ok {
				if _, used := model.tokens[next]; used {
					return nil, fmt.Errorf("added token %q would get id %d, which the model's vocabulary uses", token.content, next)
				}
				id = next
				next++
			}
		}
		token.id = id
		a.ids[token.content] = id
		if token.special {
			a.skip[token.content] = true
		}
		last[token.content] = token
	}
	return a, a.compile(order, last, n)
}

func (a *addedTokens) compile(order []string, tokens map[string]addedToken, n normalizers) (err error) {
	var raw, normalized []addedToken
	var rawPatterns, normalizedPatterns []string
	for _, content := range order {
		token := tokens[content]
		text := content
		if token.normalized {
			text = string(n.append(nil, content))
			normalized = append(normalized, token)
			normalizedPatterns = append(normalizedPatterns, text)
		} else {
			raw = append(raw, token)
			rawPatterns = append(rawPatterns, text)
		}
		a.texts[token.id] = text
	}
	if a.raw, err = newFinder(raw, rawPatterns); err != nil {
		return err
	}
	a.normalized, err = newFinder(normalized, normalizedPatterns)
	return err
}
