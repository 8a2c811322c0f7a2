package tokenizer

import "unicode/utf8"

// precompiled is the normalizer Precompiled, as Hugging Face's tokenizers
// executes it, which differs from SentencePiece: a grapheme cluster of less
// than six bytes is replaced as a whole by what its shortest prefix in the
// charsmap stands for; without one, and in longer clusters, each character is
// replaced by itself.
type precompiled struct {
	rules *charsmap
	plain [256]bool // ASCII characters without a rule, carriage return apart
}

func newPrecompiled(charsmap []byte) (*precompiled, error) {
	rules, err := newCharsmap(charsmap)
	if err != nil {
		return nil, err
	}
	p := &precompiled{rules: rules}
	for b := range byte(utf8.RuneSelf) {
		_, replaced := rules.lookup(string(rune(b)))
		p.plain[b] = !replaced && b != '\r' // which may be in a cluster with a line feed
	}
	return p, nil
}

const maxWholeCluster = 5 // bytes

func (p *precompiled) append(dst []byte, text string) []byte {
	for at := 0; at < len(text); {
		end := at
		for end < len(text) && p.plain[text[end]] {
			end++
		}
		if end < len(text) && end > at && text[end] >= utf8.RuneSelf {
			end-- // may be in a cluster with what follows
		}
		dst = append(dst, text[at:end]...)
		if at = end; at < len(text) {
			end = clusterEnd(text, at)
			dst = p.appendCluster(dst, text[at:end])
			at = end
		}
	}
	return dst
}

func (p *precompiled) appendCluster(dst []byte, cluster string) []byte {
	p.parts(cluster, func(_, new string) bool {
		dst = append(dst, new...)
		return true
	})
	return dst
}

// parts calls f for the parts of a cluster and what they become, until it
// returns false, and reports whether it never did.
func (p *precompiled) parts(cluster string, f func(old, new string) bool) bool {
	if len(cluster) <= maxWholeCluster {
		if replacement, ok := p.rules.lookup(cluster); ok {
			return f(cluster, replacement)
		}
	}
	for at := 0; at < len(cluster); {
		size := firstChar(cluster[at:])
		old := cluster[at : at+size]
		replacement, ok := p.rules.lookup(old)
		if !ok {
			replacement = old
		}
		if !f(old, replacement) {
			return false
		}
		at += size
	}
	return true
}

// head repeats how tokenizers lines the new text up with the old one. Each part
// that is replaced tells how many characters were added or removed; the counts
// of removed ones are put on the character before, and lost where there is
// none, so that characters line up with others than those they come from.
func (p *precompiled) head(text string, head int) int {
	l := lineUp{old: text, head: head}
	for at := 0; at < len(text); {
		end := clusterEnd(text, at)
		if !p.parts(text[at:end], l.replace) {
			return l.out
		}
		at = end
	}
	l.flush()
	return l.out
}

// lineUp counts the bytes that line up with the first head bytes of old.
type lineUp struct {
	old  string
	head int

	from    int // where in old the next character lines up
	out     int
	pending []change // the last characters, whose counts are not yet final
}

// change is a character of the new text. Its count is 1 if it was added, 0 if
// it replaces one, -n if it replaces one and the n after it are removed.
type change struct{ size, count int }

// replace takes the next part and reports whether to go on.
func (l *lineUp) replace(old, new string) bool {
	if new != "" && !l.flush() {
		return false
	}
	for _, r := range new {
		l.pending = append(l.pending, change{size: utf8.RuneLen(r)})
	}
	grown := utf8.RuneCountInString(new) - utf8.RuneCountInString(old)
	for i := range max(grown, 0) {
		l.pending[len(l.pending)-1-i].count = 1
	}
	if grown < 0 && len(l.pending) > 0 {
		l.pending[len(l.pending)-1].count += grown
	}
	return true
}

// flush lines up the pending characters and reports whether to go on.
func (l *lineUp) flush() bool {
	for _, c := range l.pending {
		if c.count > 0 && max(l.from-1, 0) >= l.head || c.count <= 0 && l.from >= l.head {
			l.pending = nil
			return false
		}
		l.out += c.size
		for range 1 - min(c.count, 1) {
			if l.from < len(l.old) {
				l.from += firstChar(l.old[l.from:])
			}
		}
	}
	l.pending = l.pending[:0]
	return true
}
