package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// bpe joins the characters of a word by byte-pair encoding: of all neighbouring
// symbols that a merge names, those of the first merge are joined, the leftmost
// of these first, until no merge applies.
type bpe struct {
	vocabulary
	bpeOptions
	unknown int32               // noValue: a character that is no token is dropped
	bytes   []int32             // tokens of unknown bytes, nil without byte fallback
	chars   [maxTableChar]int32 // ids of characters, noValue where they have none
	merges  *mergeTable
	cache   wordCache
}

// bpeOptions are the options of a BPE model in tokenizer.json.
type bpeOptions struct {
	fuseUnknown  bool // neighbouring unknown characters are one token
	byteFallback bool // an unknown character is written as tokens <0x..> of its bytes
	ignoreMerges bool // a word that is a token is that token
}

// maxTableChar is above the characters that bytes are written as.
const maxTableChar = 0x180

// newBPE refuses merges of tokens that are not in the vocabulary. The empty
// string stands for no unknown token.
func newBPE(vocab map[string]int32, merges [][2]string, unknown string, options bpeOptions) (*bpe, error) {
	for token, id := range vocab {
		if id < 0 {
			return nil, fmt.Errorf("token %q has the negative id %d", token, id)
		}
	}
	b := &bpe{vocabulary: newVocabulary(vocab), bpeOptions: options, unknown: noValue}
	if unknown != "" {
		id, ok := vocab[unknown]
		if !ok {
			return nil, fmt.Errorf("the unknown token %q is not in the vocabulary", unknown)
		}
		b.unknown = id
	}
	for c := range b.chars {
		b.chars[c] = b.idOr(string(rune(c)), noValue)
	}
	if options.byteFallback {
		b.bytes = b.byteTokens()
	}
	var err error
	b.merges, err = b.compileMerges(merges)
	return b, err
}

func (b *bpe) compileMerges(merges [][2]string) (*mergeTable, error) {
	table := newMergeTable(len(merges))
	for rank, merge := range merges {
		var ids [3]int32
		for i, token := range []string{merge[0], merge[1], merge[0] + merge[1]} {
			id, ok := b.ids[token]
			if !ok {
				return nil, fmt.Errorf("merge %d, of %q and %q: token %q is not in the vocabulary", rank, merge[0], merge[1], token)
			}
			ids[i] = id
		}
		table.put(ids[0], ids[1], merged{rank: int32(rank), id: ids[2]})
	}
	return table, nil
}

func (b *bpe) append(ids []int32, word []byte, s *scratch) []int32 {
	if known, ok := b.cache.get(word); ok {
		return append(ids, known...)
	}
	start := len(ids)
	ids = b.appendNew(ids, word, s)
	b.cache.put(word, ids[start:])
	return ids
}

func (b *bpe) appendNew(ids []int32, word []byte, s *scratch) []int32 {
	if b.ignoreMerges {
		if id, ok := b.ids[string(word)]; ok {
			return append(ids, id)
		}
	}
	s.symbols = b.appendSymbols(s.symbols[:0], word)
	s.queue = b.join(s.symbols, s.queue[:0])
	for _, symbol := range s.symbols {
		if !symbol.gone {
			ids = append(ids, symbol.id)
		}
	}
	return ids
}

// symbol is a token of a word while it is being joined.
type symbol struct {
	id             int32
	previous, next int32 // among those not gone; noSymbol at the ends
	gone           bool  // joined to the one before
}

const noSymbol = -1

// appendSymbols appends the characters of a word.
func (b *bpe) appendSymbols(symbols []symbol, word []byte) []symbol {
	unknown := false // characters before are, and are not yet written
	for at := 0; at < len(word); {
		r, size := utf8.DecodeRune(word[at:])
		char := word[at : at+size]
		at += size
		id := b.charID(r, char)
		switch {
		case id != noValue:
			if unknown {
				symbols = append(symbols, symbol{id: b.unknown})
				unknown = false
			}
			symbols = append(symbols, symbol{id: id})
		case b.hasBytes(char): // tokenizers writes what was unknown before after them
			for _, c := range char {
				symbols = append(symbols, symbol{id: b.bytes[c]})
			}
		case b.unknown != noValue:
			if unknown && !b.fuseUnknown {
				symbols = append(symbols, symbol{id: b.unknown})
			}
			unknown = true
		}
	}
	if unknown {
		symbols = append(symbols, symbol{id: b.unknown})
	}
	return link(symbols)
}

// link makes each symbol know its neighbours.
func link(symbols []symbol) []symbol {
	for i := range symbols {
		symbols[i].previous, symbols[i].next = int32(i-1), int32(i+1)
	}
	if len(symbols) > 0 {
		symbols[len(symbols)-1].next = noSymbol
	}
	return symbols
}

func (b *bpe) charID(r rune, char []byte) int32 {
	if r < maxTableChar {
		return b.chars[r]
	}
	if id, ok := b.ids[string(char)]; ok { // idOr would make a string of char
		return id
	}
	return noValue
}

func (b *bpe) hasBytes(char []byte) bool {
	if b.bytes == nil {
		return false
	}
	for _, c := range char {
		if b.bytes[c] == noValue {
			return false
		}
	}
	return true
}

// candidate is a merge that applies to the symbol at a place and the next one,
// or did before they were joined to others.
type candidate struct {
	merged
	at int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// join merges symbols in place. It needs the memory of queue only.
func (b *bpe) join(symbols []symbol, queue candidates) candidates {
	for i := range symbols {
		queue = b.consider(symbols, int32(i), queue)
	}
	for len(queue) > 0 {
		var top candidate
		top, queue = queue.pop()
		left := &symbols[top.at]
		if left.gone || left.next == noSymbol {
			continue
		}
		right := &symbols[left.next]
		if m, ok := b.merges.get(left.id, right.id); !ok || m.id != top.id {
			continue
		}
		left.id, left.next = top.id, right.next
		right.gone = true
		if left.next != noSymbol {
			symbols[left.next].previous = top.at
		}
		queue = b.consider(symbols, left.previous, queue)
		queue = b.consider(symbols, top.at, queue)
	}
	return queue
}

// consider queues the merge of a symbol with its next one.
func (b *bpe) consider(symbols []symbol, at int32, queue candidates) candidates {
	if at == noSymbol || symbols[at].next == noSymbol {
		return queue
	}
	if m, ok := b.merges.get(symbols[at].id, symbols[symbols[at].next].id); ok {
		queue = queue.push(candidate{m, at})
	}
	return queue
}

// candidates is a binary heap, its first element before all others.
type candidates []candidate

func (h candidates) push(c candidate) candidates {
	h = append(h, c)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !c.before(h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = c
	return h
}

func (h candidates) pop() (candidate, candidates) {
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	if len(h) == 0 {
		return top, h
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(last) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = last
	return top, h
}
