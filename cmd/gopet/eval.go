package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/report/progress"
	"github.com/gopet-ml/gopet/train"
)

func evalCommand() *cli.Command {
	flags := []cli.Flag{
		modelFlag(),
		&cli.StringFlag{Name: "adapter", Usage: "`DIR` of an adapter, such as RUN/adapter"},
		dataFlag(),
		&cli.StringFlag{Name: "split", Usage: "train, validation or test", Value: data.Test},
		maxLengthFlag(), maxTargetFlag(), numBeamsFlag(), dtypeFlag(),
		jsonFlag(),
	}
	flags = append(flags, taskFlags()...)
	return &cli.Command{
		Name:  "eval",
		Usage: "score a model on a split",
		Description: `Example:
  gopet eval --model all-MiniLM-L6-v2 --adapter runs/rte/adapter --data data/rte --task rte --split test`,
		Flags:  append(flags, deviceFlags()...),
		Before: needs("model", "data"),
		Action: evalAction,
	}
}

func evalAction(c *cli.Context) error {
	watch := newPreparingBar(c.App.ErrWriter)
	defer watch.clear()
	dataset, err := train.OpenData(c.Context, c.String("data"), watch.downloading)
	if err != nil {
		return err
	}
	split, err := data.FindSplit(dataset, c.String("split"))
	if err != nil {
		return err
	}
	inference, err := openInference(c, dataset, watch)
	if err != nil {
		return err
	}
	defer inference.Close()
	watch.clear()
	bar := progress.New(c.App.ErrWriter, split.Name(), data.NumRows(split))
	scores, err := inference.Evaluate(c.Context, split, func(done int64) { bar.Update(done) })
	bar.Clear()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		line := map[string]any{"split": split.Name()}
		for name, value := range scores.Values() {
			line[name] = value
		}
		return writeJSON(c.App.Writer, line)
	}
	return printScores(c.App.Writer, split.Name(), scores)
}

// openInference loads the model, the adapter and the task that flags name;
// an adapter knows its task.
func openInference(c *cli.Context, dataset data.Dataset, watch *preparingBar) (*train.Inference, error) {
	setup := train.Setup{
		Model: c.String("model"), Adapter: c.String("adapter"), Dataset: dataset, MaxLength: c.Int("max-length"),
		MaxTarget: c.Int("max-target"), NumBeams: c.Int("num-beams"),
		Device: c.String("device"), DType: c.String("dtype"), Threads: c.Int("threads"), Downloading: watch.downloading,
	}
	name, text, label := c.String("task"), c.StringSlice("text"), c.String("label")
	if setup.Adapter != "" {
		config, err := pet.ReadAdapterConfig(setup.Adapter)
		if err != nil {
			return nil, err
		}
		if name == "" {
			name = config.Task
		}
		if len(text) == 0 {
			text = config.Text
		}
		if label == "" {
			label = config.Label
		}
	}
	if name == "" {
		return nil, usageError{fmt.Errorf("%s: no task: give one with --task, or an adapter, which knows its own", c.Command.Name)}
	}
	var err error
	if setup.Task, err = train.FindTask(name, text, label); err != nil {
		return nil, err
	}
	return train.Open(c.Context, setup)
}
