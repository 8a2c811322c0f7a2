package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Config is all the settings of a run. Start from [DefaultConfig].
type Config struct {
	Model string   `json:"model"` // directory of a Hugging Face checkpoint
	Data  string   `json:"data"`  // directory or glob of Parquet shards, or scheme:rest
	Task  string   `json:"task"`
	Text  []string `json:"text,omitempty"`  // task classify: one or two text columns
	Label string   `json:"label,omitempty"` // task classify: the label column
	Out   string   `json:"out"`             // the run directory, which must not exist yet

	Method  string `json:"method"`
	K       int64  `json:"k"`                 // APET: entries to tune
	Block   int64  `json:"block,omitempty"`   // apet-adjacent: length of a run; 0: one run a tensor
	Targets string `json:"targets,omitempty"` // all-linear, qv, all or a regular expression; "": the method's
	Head    string `json:"head"`              // train or freeze
	Adapter string `json:"adapter,omitempty"` // directory of an adapter to start from

	Steps      int    `json:"steps"`       // 0: by Epochs
	Epochs     int    `json:"epochs"`      // used when Steps is 0
	Batch      int    `json:"batch"`       // rows a step
	MicroBatch int    `json:"micro_batch"` // rows computed at once; 0: the whole batch
	MaxLength  int    `json:"max_length"`  // tokens a row, special ones included; 0: as Setup has it
	Shuffle    bool   `json:"shuffle"`
	Seed       uint64 `json:"seed"` // of masks, heads, dropout and the order of rows

	LR           float64 `json:"lr"` // peak; 0: the method's rule
	Schedule     string  `json:"schedule"`
	Warmup       int     `json:"warmup"` // steps; negative: 6 % of the run
	WeightDecay  float64 `json:"weight_decay"`
	Clip         float64 `json:"clip"`    // norm of the gradients; 0: no clipping
	Dropout      float64 `json:"dropout"` // negative: the method's own
	ClassWeights bool    `json:"class_weights"`

	SelectMetric string `json:"select_metric"` // "": the task's
	Patience     int    `json:"patience"`      // evaluations without improvement before stopping; 0: never
	EvalEvery    int    `json:"eval_every"`    // steps; 0: once an epoch
	SaveEvery    int    `json:"save_every"`    // steps; 0: only when interrupted
	LogEvery     int    `json:"log_every"`     // steps

	Device  string `json:"device"`  // auto, cpu or cuda[:n]
	DType   string `json:"dtype"`   // float32 or bfloat16
	Threads int    `json:"threads"` // 0: one a core
}

// DefaultConfig holds the documented defaults.
func DefaultConfig() Config {
	return Config{
		Method: "apet-discrete", Head: "train",
		Epochs: 3, Batch: 32, Shuffle: true,
		Schedule: "linear", Warmup: -1, Clip: 1, Dropout: -1,
		LogEvery: 10, Device: "auto", DType: "float32",
	}
}

// Validate reports the first setting that can't be.
func (c Config) Validate() error {
	switch {
	case c.Model == "":
		return errors.New("no model: give the directory of a Hugging Face checkpoint with --model")
	case c.Data == "":
		return errors.New("no data: give a directory of Parquet shards with --data")
	case c.Task == "":
		return errors.New("no task: give one with --task, such as sst2 or classify")
	case c.Out == "":
		return errors.New("no run directory: give a new one with --out")
	case c.Head != "train" && c.Head != "freeze":
		return fmt.Errorf("head %q: want train or freeze", c.Head)
	case c.DType != "float32" && c.DType != "bfloat16":
		return fmt.Errorf("dtype %q: want float32 or bfloat16", c.DType)
	case c.Steps == 0 && c.Epochs == 0:
		return errors.New("nothing to do: both steps and epochs are 0")
	case c.Batch < 1:
		return fmt.Errorf("batch %d: want 1 or more", c.Batch)
	case c.LogEvery < 1:
		return fmt.Errorf("log-every %d: want 1 or more", c.LogEvery)
	case c.Dropout >= 1:
		return fmt.Errorf("dropout %g: want less than 1", c.Dropout)
	}
	if err := c.validateNumbers(); err != nil {
		return err
	}
	if err := checkMaxLength(c.MaxLength); err != nil {
		return err
	}
	if _, err := pet.Lookup(c.Method); err != nil {
		return err
	}
	return optim.Schedule{Kind: c.Schedule, Steps: math.MaxInt, Warmup: max(c.Warmup, 0)}.Validate()
}

func (c Config) validateNumbers() error {
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"params", float64(c.K)}, {"block", float64(c.Block)}, {"steps", float64(c.Steps)}, {"epochs", float64(c.Epochs)},
		{"micro-batch", float64(c.MicroBatch)}, {"lr", c.LR}, {"weight-decay", c.WeightDecay}, {"clip", c.Clip},
		{"patience", float64(c.Patience)}, {"eval-every", float64(c.EvalEvery)}, {"save-every", float64(c.SaveEvery)},
		{"threads", float64(c.Threads)},
	} {
		if n.value < 0 || math.IsNaN(n.value) || math.IsInf(n.value, 0) {
			return fmt.Errorf("%s %g: want 0 or more", n.name, n.value)
		}
	}
	return nil
}

// warmup is the number of warm-up steps in a run of steps.
func (c Config) warmup(steps int) int {
	if c.Warmup >= 0 {
		return c.Warmup
	}
	return steps * 6 / 100
}

// checkMaxLength refuses rows without room for a word; 0 is the default's.
func checkMaxLength(n int) error {
	if n != 0 && n < 3 {
		return fmt.Errorf("max-length %d: want 3 or more, for two special tokens and a word", n)
	}
	return nil
}
