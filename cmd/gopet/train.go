package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/train"
)

func trainCommand() *cli.Command {
	d := train.DefaultConfig()
	flags := []cli.Flag{modelFlag(), dataFlag()}
	flags = append(flags, taskFlags()...)
	flags = append(flags,
		&cli.StringFlag{Name: "out", Usage: "`RUN` directory to make"})
	flags = append(flags, methodFlags()...)
	flags = append(flags,
		&cli.StringFlag{Name: "head", Usage: "train or freeze a classifier's head", Value: d.Head},
		&cli.StringFlag{Name: "adapter", Usage: "`DIR` of an adapter to start from"},
		&cli.IntFlag{Name: "steps", Usage: "`N` optimizer steps", DefaultText: "by --epochs"},
		&cli.IntFlag{Name: "epochs", Usage: "`N` times through the training rows", Value: d.Epochs},
		&cli.IntFlag{Name: "batch", Usage: "`N` rows a step", Value: d.Batch},
		&cli.IntFlag{Name: "micro-batch", Usage: "`N` rows computed at once", DefaultText: "the whole batch"},
		&cli.BoolFlag{Name: "checkpoint-activations", Usage: "compute layers again in the backward pass: less memory for more time"},
		maxLengthFlag(), maxTargetFlag(), numBeamsFlag(),
		&cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", Value: d.DType},
		&cli.Float64Flag{Name: "lr", Usage: "peak learning rate `X`", DefaultText: "the method's rule"},
		&cli.StringFlag{Name: "schedule", Usage: "linear, constant or cosine", Value: d.Schedule},
		&cli.IntFlag{Name: "warmup", Usage: "`N` steps", Value: d.Warmup, DefaultText: "6 % of the run"},
		&cli.Float64Flag{Name: "weight-decay", Usage: "`X`, on tuned entries only"},
		&cli.Float64Flag{Name: "clip", Usage: "norm `X` that gradients are scaled down to; 0: never", Value: d.Clip},
		&cli.Float64Flag{Name: "dropout", Usage: "probability `X`", Value: d.Dropout, DefaultText: "the method's own"},
		&cli.BoolFlag{Name: "class-weights", Usage: "weigh classes by the inverse of their frequency"},
		&cli.StringFlag{Name: "select-metric", Usage: "`NAME` of the validation score that chooses the best step", DefaultText: "the task's"},
		&cli.IntFlag{Name: "patience", Usage: "stop after `N` evaluations without improvement", DefaultText: "never"},
		&cli.IntFlag{Name: "eval-every", Usage: "`N` steps", DefaultText: "an epoch"},
		&cli.IntFlag{Name: "save-every", Usage: "checkpoint every `N` steps", DefaultText: "only when interrupted"},
		&cli.BoolFlag{Name: "baselines", Usage: "in the end, score the untuned model and the head alone as well", Value: d.Baselines},
		&cli.BoolFlag{Name: "shuffle", Usage: "shuffle the training rows", Value: d.Shuffle},
		&cli.BoolFlag{Name: "resume", Usage: "go on with the interrupted run in --out, with its own settings"},
		jsonFlag(),
	)
	return &cli.Command{
		Name:  "train",
		Usage: "tune a model and write a run directory",
		Description: `Tunes k chosen entries of a model's weights, or what another method tunes, and keeps
the step that does best on the validation split. The test split is scored once, at the end.

Example:
  gopet train --model all-MiniLM-L6-v2 --data data/rte --task rte \
      --method apet-discrete --params 20000 --out runs/rte`,
		Flags:  append(flags, deviceFlags()...),
		Before: trainNeeds,
		Action: trainAction,
	}
}

func trainNeeds(c *cli.Context) error {
	if c.Bool("resume") {
		return resumeNeeds(c)
	}
	if err := needs("model", "data", "task", "out")(c); err != nil {
		return err
	}
	return methodTakes(c, c.String("method"))
}

// resumeNeeds refuses settings beside --resume: the run keeps its own.
func resumeNeeds(c *cli.Context) error {
	for _, flag := range c.LocalFlagNames() {
		if flag != "resume" && flag != "out" && flag != "json" {
			return usageError{fmt.Errorf("train: --%s beside --resume: a run goes on with its own settings", flag)}
		}
	}
	return needs("out")(c)
}

func trainAction(c *cli.Context) error {
	watch := newTrainObserver(c.App.ErrWriter)
	result, err := startTraining(c, watch)
	watch.close()
	if errors.Is(err, context.Canceled) {
		if result == nil {
			return errors.New("interrupted before the first step; nothing was written")
		}
		return fmt.Errorf("interrupted at step %d; go on with: gopet train --resume --out %s", result.Steps, c.String("out"))
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, result)
	}
	return printResult(c.App.Writer, result, c.String("out"))
}

func startTraining(c *cli.Context, watch train.Observer) (*train.Result, error) {
	if c.Bool("resume") {
		return train.Resume(c.Context, c.String("out"), watch)
	}
	return train.Run(c.Context, trainConfig(c), watch)
}

func trainConfig(c *cli.Context) train.Config {
	o := tuningOptions(c)
	return train.Config{
		Model: c.String("model"), Data: c.String("data"), Out: c.String("out"),
		Task: c.String("task"), Text: c.StringSlice("text"), Label: c.String("label"),
		Method: c.String("method"), Params: c.String("params"), Block: o.Block, Targets: o.Targets,
		Rank: o.Rank, Alpha: o.Alpha, PromptLength: o.Prompt, Bottleneck: o.Bottleneck, Placement: o.Placement, Init: o.Init,
		Head: c.String("head"), Adapter: c.String("adapter"),
		Steps: c.Int("steps"), Epochs: c.Int("epochs"), Batch: c.Int("batch"), MicroBatch: c.Int("micro-batch"), CheckpointActivations: c.Bool("checkpoint-activations"),
		MaxLength: c.Int("max-length"), MaxTarget: c.Int("max-target"), NumBeams: c.Int("num-beams"),
		Shuffle: c.Bool("shuffle"), Seed: c.Uint64("seed"),
		LR: c.Float64("lr"), Schedule: c.String("schedule"), Warmup: c.Int("warmup"), WeightDecay: c.Float64("weight-decay"),
		Clip: c.Float64("clip"), Dropout: c.Float64("dropout"), ClassWeights: c.Bool("class-weights"), Baselines: c.Bool("baselines"),
		SelectMetric: c.String("select-metric"), Patience: c.Int("patience"), EvalEvery: c.Int("eval-every"), SaveEvery: c.Int("save-every"),
		LogEvery: train.DefaultConfig().LogEvery,
		Device:   c.String("device"), DType: c.String("dtype"), Threads: c.Int("threads"),
	}
}
