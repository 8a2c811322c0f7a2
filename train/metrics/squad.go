package metrics

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// ExactMatch reports whether a generated text says the same as one of the
// references, by the official script of SQuAD 1.1: case, ASCII punctuation,
// the articles a, an and the, and the amount of white space do not matter.
func ExactMatch(generated string, references []string) bool {
	answer := normalizeAnswer(generated)
	return slices.ContainsFunc(references, func(reference string) bool {
		return normalizeAnswer(reference) == answer
	})
}

// F1 is the harmonic mean of precision and recall of a generated text's words
// against those of a reference, by the official script of SQuAD 1.1, for the
// reference where it is highest. Words are compared as ExactMatch does. Where
// no words are left of either, it is 0, even where ExactMatch holds.
func F1(generated string, references []string) float64 {
	words := strings.Fields(normalizeAnswer(generated))
	best := 0.0
	for _, reference := range references {
		other := strings.Fields(normalizeAnswer(reference))
		best = max(best, harmonicMean(shared(words, other), len(words), len(other)))
	}
	return best
}

// shared is the number of words that two texts have in common, repeated ones
// as often as both have them.
func shared(a, b []string) int {
	counts := map[string]int{}
	for _, word := range a {
		counts[word]++
	}
	n := 0
	for _, word := range b {
		if counts[word] > 0 {
			counts[word]--
			n++
		}
	}
	return n
}

// harmonicMean is that of hits per answer and hits per reference, 0 where
// there are none.
func harmonicMean(hits, answer, reference int) float64 {
	if hits == 0 {
		return 0
	}
	precision, recall := float64(hits)/float64(answer), float64(hits)/float64(reference)
	return 2 * precision * recall / (precision + recall)
}

// normalizeAnswer lowers the case, drops ASCII punctuation, then articles that
// stand alone, and puts one space between words.
func normalizeAnswer(text string) string {
	text = strings.Map(func(r rune) rune {
		if isPunctuation(r) {
			return -1
		}
		return r
	}, lower(text))
	text = alphanumeric.ReplaceAllStringFunc(text, func(word string) string {
		if word == "a" || word == "an" || word == "the" {
			return " "
		}
		return word
	})
	return strings.Join(strings.FieldsFunc(text, isSpace), " ")
}

// alphanumeric are the words in which articles are sought. Other characters
// end them, so that of "the–end" an article goes.
var alphanumeric = regexp.MustCompile(`[\p{L}\p{N}]+`)

// isPunctuation reports whether Python's string.punctuation has r.
func isPunctuation(r rune) bool {
	return r <= unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r))
}
