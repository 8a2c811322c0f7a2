package metrics

import "strings"

// RougeL is the F-measure of ROUGE-L: the harmonic mean of precision and
// recall, counted in the words of the longest common subsequence of a
// generated text and a reference, for the reference where it is highest. It
// equals Google's rouge_score without stemmer, which is what Hugging Face's
// evaluate uses unless told otherwise: words are runs of a to z and 0 to 9
// once the case is lowered, and line ends mean nothing.
//
// Time grows with the product of the texts' lengths, memory with the shorter.
func RougeL(generated string, references []string) float64 {
	words := rougeWords(generated)
	best := 0.0
	for _, reference := range references {
		other := rougeWords(reference)
		best = max(best, harmonicMean(longestCommonSubsequence(words, other), len(words), len(other)))
	}
	return best
}

func rougeWords(text string) []string {
	return strings.FieldsFunc(lower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// longestCommonSubsequence is its length.
func longestCommonSubsequence(a, b []string) int {
	if len(a) < len(b) {
		a, b = b, a
	}
	// lengths[j+1] is the length for the words of a so far and b[:j+1].
	lengths := make([]int, len(b)+1)
	for _, word := range a {
		diagonal := 0
		for j, other := range b {
			above := lengths[j+1]
			if word == other {
				lengths[j+1] = diagonal + 1
			} else {
				lengths[j+1] = max(above, lengths[j])
			}
			diagonal = above
		}
	}
	return lengths[len(b)]
}
