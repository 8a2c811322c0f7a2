package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Config is all the settings of a run. Start from [DefaultConfig].
type Config struct {
	Model string   `json:"model"` // directory of a Hugging Face checkpoint, or an id of the Hub
	Data  string   `json:"data"`  // directory or glob of Parquet shards, an id of the Hub, or scheme:rest
	Task  string   `json:"task"`
	Text  []string `json:"text,omitempty"`  // task classify: one or two text columns
	Label string   `json:"label,omitempty"` // task classify: the label column
	Out   string   `json:"out"`             // the run directory, which must not exist yet

	Method  string `json:"method"`
	K       int64  `json:"k"`                 // APET: entries to tune
	Params  string `json:"params,omitempty"`  // APET: a number of entries, or a method whose number is taken, in place of K
	Block   int64  `json:"block,omitempty"`   // apet-adjacent: length of a run; 0: one run a tensor
	Targets string `json:"targets,omitempty"` // all-linear, qv, all or a regular expression; "": the method's
	Head    string `json:"head"`              // train or freeze
	Adapter string `json:"adapter,omitempty"` // directory of an adapter to start from

	// What other methods take; 0 and "" stand for the paper's settings.
	Rank         int64   `json:"rank,omitempty"`          // lora
	Alpha        float64 `json:"alpha,omitempty"`         // lora
	PromptLength int64   `json:"prompt_length,omitempty"` // prompt
	Bottleneck   int64   `json:"bottleneck,omitempty"`    // adapter
	Placement    string  `json:"placement,omitempty"`     // adapter: paper, houlsby or pfeiffer
	Init         string  `json:"init,omitempty"`          // zero or paper

	Steps      int    `json:"steps"`       // 0: by Epochs
	Epochs     int    `json:"epochs"`      // used when Steps is 0
	Batch      int    `json:"batch"`       // rows a step
	MicroBatch int    `json:"micro_batch"` // rows computed at once; 0: the whole batch
	MaxLength  int    `json:"max_length"`  // tokens a row, special ones included; 0: as Setup has it
	MaxTarget  int    `json:"max_target"`  // tokens of a text to generate; 0: the task's
	NumBeams   int    `json:"num_beams"`   // of generation when scoring; 0 or 1: greedy
	Shuffle    bool   `json:"shuffle"`
	Seed       uint64 `json:"seed"` // of masks, heads, dropout and the order of rows

	// CheckpointActivations computes layers again in the backward pass instead
	// of keeping what they computed: less memory for more time.
	CheckpointActivations bool `json:"checkpoint_activations,omitempty"`

	LR           float64 `json:"lr"` // peak; 0: the method's rule
	Schedule     string  `json:"schedule"`
	Warmup       int     `json:"warmup"` // steps; negative: 6 % of the run
	WeightDecay  float64 `json:"weight_decay"`
	Clip         float64 `json:"clip"`    // norm of the gradients; 0: no clipping
	Dropout      float64 `json:"dropout"` // negative: the method's own
	ClassWeights bool    `json:"class_weights"`

	Baselines    bool   `json:"baselines"`     // score the untuned model and the head alone as well
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
		LogEvery: 10, Device: "auto", DType: "float32", Baselines: true,
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
		{"rank", float64(c.Rank)}, {"alpha", c.Alpha}, {"prompt-length", float64(c.PromptLength)}, {"bottleneck", float64(c.Bottleneck)},
		{"max-target", float64(c.MaxTarget)}, {"num-beams", float64(c.NumBeams)},
		{"patience", float64(c.Patience)}, {"eval-every", float64(c.EvalEvery)}, {"save-every", float64(c.SaveEvery)},
		{"threads", float64(c.Threads)},
	} {
		if n.value < 0 || math.IsNaN(n.value) || math.IsInf(n.value, 0) {
			return fmt.Errorf("%s %g: want 0 or more", n.name, n.value)
		}
	}
	return nil
}

// setup is what has to be loaded for the run.
func (c Config) setup(t *task.Task, dataset data.Dataset) Setup {
	return Setup{
		Model: c.Model, Adapter: c.Adapter, Task: t, Dataset: dataset, MaxLength: c.MaxLength, MaxTarget: c.MaxTarget,
		NumBeams: c.NumBeams, Seed: c.Seed, Device: c.Device, DType: c.DType, Threads: c.Threads,
	}
}

// tuning is what the method is asked for.
func (c Config) tuning() pet.Options {
	return pet.Options{
		K: c.K, Block: c.Block, Targets: c.Targets, Seed: c.Seed, Rank: c.Rank, Alpha: c.Alpha,
		Prompt: c.PromptLength, Bottleneck: c.Bottleneck, Placement: c.Placement, Init: c.Init,
	}
}

// warmup is the number of warm-up steps in a run of steps.
func (c Config) warmup(steps int) int {
	if c.Warmup >= 0 {
		return c.Warmup
	}
	return steps * 6 / 100
}
