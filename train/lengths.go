package train

import (
	"fmt"

	"github.com/gopet-ml/gopet/data/task"
)

// DefaultMaxLength is the number of tokens that a row is cut to unless told
// otherwise.
const DefaultMaxLength = 128

// defaultMaxTarget is the number of tokens that a target is cut to, and that
// are generated at most, by type of task: answers are short, summaries not.
// The words of labels are never cut.
var defaultMaxTarget = map[string]int{task.QuestionAnswering: 32, task.Summarisation: 128}

// settleLengths decides how long rows and targets are. What the model reads at
// most has to hold the soft prompt as well, so it comes after the tuning.
func (i *Inference) settleLengths(setup Setup) error {
	prompt := i.promptLength()
	most := i.Model.MaxLength() - prompt
	if i.maxLength = setup.MaxLength; i.maxLength == 0 {
		i.maxLength = min(DefaultMaxLength, most)
	}
	if i.maxLength > most {
		besides := ""
		if prompt > 0 {
			besides = fmt.Sprintf(" besides a prompt of %d vectors", prompt)
		}
		return fmt.Errorf("max-length %d: %s reads at most %d tokens%s", i.maxLength, setup.Model, most, besides)
	}
	if i.Task == nil {
		return nil
	}
	if i.maxTarget = setup.MaxTarget; i.maxTarget == 0 {
		i.maxTarget = defaultMaxTarget[i.Task.Type]
	}
	i.generate.MaxNewTokens, i.generate.NumBeams = i.maxTarget, setup.NumBeams
	return nil
}

// promptLength is the number of vectors before the encoder's tokens.
func (i *Inference) promptLength() int {
	if prompts := i.Model.Registry().SoftPrompts(); len(prompts) > 0 {
		return int(prompts[0].Len())
	}
	return 0
}

// checkMaxLength refuses rows without room for a word; 0 is the default's.
func checkMaxLength(n int) error {
	if n != 0 && n < 3 {
		return fmt.Errorf("max-length %d: want 3 or more, for special tokens and a word", n)
	}
	return nil
}
