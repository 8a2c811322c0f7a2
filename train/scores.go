package train

import (
	"maps"

	"github.com/gopet-ml/gopet/train/metrics"
)

// Scores is the result of evaluating a model on a split.
type Scores struct {
	// Scorer has the metrics. A text-to-text model's classes are its ranking
	// of the label words; exact_match is of what it wrote.
	metrics.Scorer
	Labels []string // the classes' names; nil where the task generates text
	// Loss is the mean over rows or, of a text-to-text model, over target
	// tokens; not weighted by class.
	Loss float64

	weight float64 // what Loss is a mean over
}

// newScores starts the scores of what a model answers on its task.
func (i *Inference) newScores() *Scores {
	s := &Scores{Labels: i.Task.Labels}
	switch i.kind() {
	case metrics.FreeText:
		s.Scorer = metrics.NewGeneration()
	case metrics.ByWords:
		s.Scorer = metrics.NewLabelWords(i.Task.Labels)
	default:
		s.Scorer = metrics.NewClassification(len(i.Task.Labels))
	}
	return s
}

// addLoss counts a sum of losses over weight rows or tokens.
func (s *Scores) addLoss(sum, weight float64) {
	s.weight += weight
	s.Loss += (sum - s.Loss*weight) / s.weight
}

// Classes scores every class; none where the task generates text.
func (s *Scores) Classes() []metrics.Class {
	if c, ok := s.Scorer.(interface{ Classes() []metrics.Class }); ok {
		return c.Classes()
	}
	return nil
}

// Values are the scores by name, with the number of rows, the scores of
// answering at random and of always giving the most frequent answer, and the
// loss, unless it is not finite: JSON has no number for that.
func (s *Scores) Values() map[string]float64 {
	values := map[string]float64{
		"rows": float64(s.Rows()), "random_guess": s.RandomGuess(), "majority": s.Majority(),
	}
	if finite(s.Loss) != nil {
		values["loss"] = s.Loss
	}
	maps.Copy(values, metrics.Values(s.Scorer))
	return values
}
