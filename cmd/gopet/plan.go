package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/report/format"
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
		&cli.StringFlag{Name: "shape", Usage: "`BATCHxLENGTH`: full rows of a step", Value: fmt.Sprintf("%dx%d", d.Batch, train.DefaultMaxLength)},
		&cli.IntFlag{Name: "max-target", Usage: "text-to-text: `N` tokens of an answer", Value: plan.DefaultTarget},
		&cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", Value: d.DType},
		&cli.IntFlag{Name: "threads", Usage: "`N` threads an operation may use", DefaultText: "one a core"},
		jsonFlag(),
	)
	return &cli.Command{
		Name:  "plan",
		Usage: "tell what a run would tune and keep in memory, before it",
		Description: `Needs the model's config.json only, no weights.

Example:
  gopet plan --model google/t5-v1_1-base --method apet-discrete --params lora`,
		Flags:  flags,
		Before: planNeeds,
		Action: planAction,
	}
}

func planNeeds(c *cli.Context) error {
	if err := needs("model")(c); err != nil {
		return err
	}
	return methodTakes(c, c.String("method"))
}

func planAction(c *cli.Context) error {
	o := plan.Options{
		Model: c.String("model"), Method: c.String("method"), Params: c.String("params"), Tuning: tuningOptions(c),
		Labels: c.Int("labels"), DType: c.String("dtype"), Threads: c.Int("threads"),
	}
	if err := planShape(c, &o.Shape); err != nil {
		return err
	}
	if name := c.String("task"); name != "" && !c.IsSet("labels") {
		tsk, err := task.Lookup(name)
		if err != nil {
			return usageError{err}
		}
		o.Labels = len(tsk.Labels)
	}
	p, err := plan.Make(c.Context, o)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, p)
	}
	return printPairs(c.App.Writer,
		[2]string{"method", p.Method},
		[2]string{"tuned", fmt.Sprintf("%s of %s (%s)", format.Count(p.Trainable.Method), format.Count(p.BaseParameters),
			format.Percent(float64(p.Trainable.Method)/float64(p.BaseParameters), 2))},
		[2]string{"head", format.Count(p.Trainable.Head)},
		[2]string{"weights", format.Bytes(p.Memory.Weights)},
		[2]string{"tuned values", format.Bytes(p.Memory.Tuned)},
		[2]string{"gradients", format.Bytes(p.Memory.Gradients)},
		[2]string{"optimizer", format.Bytes(p.Memory.Optimizer)},
		[2]string{"activations", format.Bytes(p.Memory.Activations)},
		[2]string{"libraries", format.Bytes(p.Memory.Libraries)},
		[2]string{"together", format.Bytes(p.Memory.Total)})
}

// planShape reads what the rows of a step are.
func planShape(c *cli.Context, s *plan.Shape) error {
	s.Target = c.Int("max-target")
	if _, err := fmt.Sscanf(c.String("shape"), "%dx%d", &s.Rows, &s.Length); err != nil {
		return usageError{fmt.Errorf("plan: shape %q: want BATCHxLENGTH, such as 16x128", c.String("shape"))}
	}
	return nil
}
