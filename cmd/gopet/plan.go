package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
	"github.com/gopet-ml/gopet/train/plan"
)

func planCommand() *cli.Command {
	d := train.DefaultConfig()
	flags := []cli.Flag{modelFlag()}
	flags = append(flags, methodFlags()...)
	flags = append(flags,
		&cli.StringFlag{Name: "task", Usage: "`NAME` of a task, for the classes of an encoder's head"},
		&cli.IntFlag{Name: "labels", Usage: "`N` classes of an encoder's head", Value: 2, DefaultText: "the task's, else 2"},
		&cli.StringFlag{Name: "shape", Usage: "`BATCHxLENGTH`: full rows of a step", DefaultText: fmt.Sprintf("%dx%d or what the model reads", d.Batch, train.DefaultMaxLength)},
		&cli.IntFlag{Name: "max-target", Usage: "text-to-text: `N` tokens of an answer", Value: plan.DefaultTarget},
		&cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", Value: d.DType, DefaultText: d.DType + "; bfloat16 for a GPU"},
		&cli.IntFlag{Name: "threads", Usage: "`N` threads an operation may use", DefaultText: "one a core"},
		&cli.BoolFlag{Name: "calibrate", Usage: "time operations of --dtype on this machine first, for a quarter of a minute, and keep their rates for plans to come"},
		&cli.StringFlag{Name: "gpu", Usage: "tell which T5s fit a GPU, by its `NAME`, such as a100-40, h100 or rtx4090"},
		&cli.StringFlag{Name: "memory", Usage: "tell which T5s fit a GPU of `SIZE`, such as 24GB"},
		jsonFlag(),
	)
	return &cli.Command{
		Name:  "plan",
		Usage: "tell what a run would tune, keep in memory and take a step, before it",
		Description: `Needs the model's config.json only, no weights. Rows are full and dropout is 0. The time of a
step is known once this machine is calibrated; busy machines calibrate badly.

--gpu and --memory print, for every T5 of version 1.1 and method, the largest batch that fits, of
rows as long as --shape's. No GPU has confirmed these.

Example:
  gopet plan --model google/t5-v1_1-base --method apet-discrete --params lora --shape 16x128
  gopet plan --calibrate
  gopet plan --gpu a100-40 --shape 1x512`,
		Flags:  flags,
		Before: planNeeds,
		Action: planAction,
	}
}

func planNeeds(c *cli.Context) error {
	if asksWhatFits(c) {
		return fitsNeeds(c)
	}
	if c.Bool("calibrate") && !c.IsSet("model") {
		return needs()(c)
	}
	if err := needs("model")(c); err != nil {
		return err
	}
	return methodTakes(c, c.String("method"))
}

func planAction(c *cli.Context) error {
	o, err := planOptions(c)
	if err != nil {
		return err
	}
	if asksWhatFits(c) {
		return fitsAction(c, o)
	}
	if err := planCalibration(c, &o); err != nil || o.Model == "" {
		return err
	}
	p, err := plan.Make(c.Context, o)
	if err != nil {
		return err
	}
	if p.StepSeconds == nil {
		fmt.Fprintf(c.App.ErrWriter, "no step time: %v\n", plan.ErrNotCalibrated)
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, p)
	}
	pairs := [][2]string{
		{"method", p.Method},
		{"tuned", fmt.Sprintf("%s of %s (%s)", format.Count(p.Trainable.Method), format.Count(p.BaseParameters),
			format.Percent(float64(p.Trainable.Method)/float64(p.BaseParameters), 2))},
		{"head", format.Count(p.Trainable.Head)},
		{"weights", format.Bytes(p.Memory.Weights)},
		{"tuned values", format.Bytes(p.Memory.Tuned)},
		{"gradients", format.Bytes(p.Memory.Gradients)},
		{"optimizer", format.Bytes(p.Memory.Optimizer)},
		{"activations", format.Bytes(p.Memory.Activations)},
		{"libraries", format.Bytes(p.Memory.Libraries)},
		{"peak, weights left out", format.Bytes(p.Memory.Peak)},
		{"together", format.Bytes(p.Memory.Total)},
	}
	if p.StepSeconds != nil {
		pairs = append(pairs, [2]string{"a step", format.Duration(time.Duration(*p.StepSeconds * float64(time.Second)))})
	}
	return printPairs(c.App.Writer, pairs...)
}

func planOptions(c *cli.Context) (plan.Options, error) {
	o := plan.Options{
		Model: c.String("model"), Method: c.String("method"), Params: c.String("params"), Tuning: tuningOptions(c),
		Labels: c.Int("labels"), DType: c.String("dtype"), Threads: c.Int("threads"),
	}
	if name := c.String("task"); name != "" && !c.IsSet("labels") {
		tsk, err := task.Lookup(name)
		if err != nil {
			return o, usageError{err}
		}
		o.Labels = len(tsk.Labels)
	}
	for _, flag := range []string{"labels", "threads"} {
		if n := c.Int(flag); n < 0 {
			return o, usageError{fmt.Errorf("plan: %d %s: want 0 or more", n, flag)}
		}
	}
	if _, err := computedDType(c); err != nil {
		return o, usageError{fmt.Errorf("plan: %w", err)}
	}
	var err error
	o.Shape, err = planShape(c)
	return o, err
}

func planShape(c *cli.Context) (plan.Shape, error) {
	s := plan.Shape{Rows: train.DefaultConfig().Batch, Target: c.Int("max-target")}
	if !c.IsSet("shape") {
		return s, nil
	}
	var err error
	if s.Rows, s.Length, err = parseShape(c.String("shape")); err != nil {
		return s, usageError{fmt.Errorf("plan: %w", err)}
	}
	return s, nil
}

// planCalibration measures this machine's rates where it is asked for, and reads
// those that were measured before.
func planCalibration(c *cli.Context, o *plan.Options) error {
	torch.SetNumThreads(o.Threads)
	path, err := plan.CalibrationFile()
	if err != nil {
		return err
	}
	o.Calibration, err = plan.ReadCalibration(path)
	if c.Bool("calibrate") {
		return calibrate(c, o, path)
	}
	if errors.Is(err, plan.ErrNotCalibrated) {
		return nil
	}
	return err
}

// calibrate adds the rates of a dtype to those that there are.
func calibrate(c *cli.Context, o *plan.Options, path string) error {
	dtype, err := torch.ParseDType(o.DType)
	if err != nil {
		return err
	}
	if o.Calibration, err = plan.Calibrate(c.Context, o.Calibration, dtype, o.Threads); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "calibrated for %s: %s\n", o.DType, path)
	return o.Calibration.Write(path)
}
