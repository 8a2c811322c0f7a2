// Package nearest suggests the name somebody probably meant when the one they
// gave is unknown.
package nearest

import (
	"fmt"
	"strings"
)

// Name returns the candidate that name most likely stands for: the one with
// the smallest edit distance (the first of equals) where at most a third of the
// letters differ, otherwise one that begins with name or that name begins with.
// It reports false where no candidate is that near. Case is ignored.
func Name(name string, candidates []string) (string, bool) {
	best, bestDistance := "", -1
	for _, c := range candidates {
		d := distance(strings.ToLower(name), strings.ToLower(c))
		if bestDistance < 0 || d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if bestDistance >= 0 && 3*bestDistance <= max(len([]rune(name)), len([]rune(best))) {
		return best, true
	}
	for _, c := range candidates {
		if sharePrefix(name, c) {
			return c, true
		}
	}
	return "", false
}

// Hint returns the end of an error message about an unknown name: the likely
// candidate where there is one, otherwise what there is to choose from.
func Hint(name string, candidates []string) string {
	if best, ok := Name(name, candidates); ok {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(candidates) == 0 {
		return "there are none"
	}
	return "there are: " + strings.Join(candidates, ", ")
}

func sharePrefix(a, b string) bool {
	const enough = 3
	a, b = strings.ToLower(a), strings.ToLower(b)
	return min(len(a), len(b)) >= enough && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// distance is the optimal string alignment distance: the insertions,
// deletions, substitutions and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before := make([]int, len(t)+1)
	previous := make([]int, len(t)+1)
	current := make([]int, len(t)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(s); i++ {
		current[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(t)]
}
