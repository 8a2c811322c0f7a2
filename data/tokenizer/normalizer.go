package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// normalizer changes a text before it is cut into words.
type normalizer interface {
	// append appends the normalized text, which must be valid UTF-8.
	append(dst []byte, text string) []byte
}

// tracer is a normalizer that can be used before Metaspace with the scheme
// "first", which asks for the origin of a piece.
type tracer interface {
	// head is how many bytes at the start of the normalized text Hugging
	// Face's tokenizers traces back to the first head bytes of text.
	head(text string, head int) int
}

// normalizers are run one after the other. An empty list is no normalizer.
type normalizers []normalizer

func (list normalizers) append(dst []byte, text string) []byte {
	for i, n := range list {
		if i == len(list)-1 {
			return n.append(dst, text)
		}
		text = string(n.append(nil, text))
	}
	return append(dst, text...)
}

// trace tells whether head may be called.
func (list normalizers) trace() bool {
	for _, n := range list {
		if _, ok := n.(tracer); !ok {
			return false
		}
	}
	return true
}

func (list normalizers) head(text string, head int) int {
	for i, n := range list {
		head = n.(tracer).head(text, head)
		if i < len(list)-1 {
			text = string(n.append(nil, text))
		}
	}
	return head
}

// stripNormalizer is Strip: it drops white space at the ends.
type stripNormalizer struct{ left, right bool }

func (n stripNormalizer) append(dst []byte, text string) []byte {
	start, end := n.kept(text)
	return append(dst, text[start:end]...)
}

func (n stripNormalizer) kept(text string) (start, end int) {
	end = len(text)
	if n.right {
		end = spaceStart(text)
	}
	if n.left {
		start = spaceEnd(text[:end])
	}
	return start, end
}

func (n stripNormalizer) head(text string, head int) int {
	start, end := n.kept(text)
	return max(min(head, end)-start, 0)
}

// replaceNormalizer is Replace: it writes content in place of every match.
type replaceNormalizer struct {
	match   func(text string) (start, end int) // the first one; start is len(text) where there is none
	content string
}

// literally matches a text that is not empty.
func literally(old string) func(string) (start, end int) {
	return func(text string) (int, int) {
		if start := strings.Index(text, old); start >= 0 {
			return start, start + len(old)
		}
		return len(text), len(text)
	}
}

// manySpaces is the regular expression that stands in files converted from
// SentencePiece's.
const manySpaces = " {2,}"

func matchManySpaces(text string) (start, end int) {
	start, _ = literally("  ")(text)
	end = len(text) - len(strings.TrimLeft(text[start:], " "))
	return start, end
}

func (n replaceNormalizer) append(dst []byte, text string) []byte {
	for text != "" {
		start, end := n.match(text)
		dst = append(dst, text[:start]...)
		if start < end {
			dst = append(dst, n.content...)
		}
		text = text[end:]
	}
	return dst
}

// head traces content back to the last character that it replaces.
func (n replaceNormalizer) head(text string, head int) int {
	out := 0
	for at := 0; at < head; {
		start, end := n.match(text[at:])
		out += min(start, head-at)
		at += end
		if start < end && at <= head {
			out += len(n.content)
		}
	}
	return out
}

// firstChar is the length of the first character of text in bytes.
func firstChar(text string) int {
	_, size := utf8.DecodeRuneInString(text)
	return size
}
