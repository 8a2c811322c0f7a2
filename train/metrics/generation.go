package metrics

import (
	"crypto/sha256"
	"slices"

	"github.com/gopet-ml/gopet/data/task"
)

// Generation collects generated texts. Memory grows by some tens of bytes for
// every reference that is different, however long it is.
type Generation struct {
	rows       int64
	exact      int64
	f1, rougeL float64 // sums over rows
	// accepting counts the rows for which an answer, known by the hash of its
	// normalised form, is right.
	accepting map[[sha256.Size]byte]int64
}

// NewGeneration starts an empty collection.
func NewGeneration() *Generation {
	return &Generation{accepting: map[[sha256.Size]byte]int64{}}
}

// Add scores one text by its references, of which the best counts, for each
// metric by itself. Without references nothing is right.
func (g *Generation) Add(generated string, references []string) {
	g.rows++
	if ExactMatch(generated, references) {
		g.exact++
	}
	g.f1 += F1(generated, references)
	g.rougeL += RougeL(generated, references)

	answers := make([]string, len(references))
	for i, reference := range references {
		answers[i] = normalizeAnswer(reference)
	}
	slices.Sort(answers)
	for _, answer := range slices.Compact(answers) {
		g.accepting[sha256.Sum256([]byte(answer))]++
	}
}

// Kind is FreeText.
func (g *Generation) Kind() Kind { return FreeText }

// Rows is the number of texts added.
func (g *Generation) Rows() int64 { return g.rows }

// Value computes the metric of that name; one that is not among the kind's is
// Check's error.
func (g *Generation) Value(name string) (float64, error) {
	switch name {
	case task.ExactMatch:
		return ratio(g.exact, g.rows), nil
	case task.F1:
		return g.mean(g.f1), nil
	case task.RougeL:
		return g.mean(g.rougeL), nil
	default:
		return 0, Check(name, FreeText)
	}
}

func (g *Generation) mean(sum float64) float64 {
	if g.rows == 0 {
		return 0
	}
	return sum / float64(g.rows)
}

// RandomGuess is 0: a random text answers nothing.
func (g *Generation) RandomGuess() float64 { return 0 }

// Majority is the exact match of always giving the one answer that is right
// for the most rows.
func (g *Generation) Majority() float64 {
	most := int64(0)
	for _, rows := range g.accepting {
		most = max(most, rows)
	}
	return ratio(most, g.rows)
}
