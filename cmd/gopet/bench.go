package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/progress"
	"github.com/gopet-ml/gopet/report/table"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
	"github.com/gopet-ml/gopet/train/bench"
)

func benchCommand() *cli.Command {
	d := bench.DefaultOptions()
	return &cli.Command{
		Name:  "bench",
		Usage: "time a step of each method beside the floor",
		Description: `The floor is forward, loss and activation gradient down to the embedding output, with
everything frozen. Steps are interleaved; ratios are medians of pairs.

Example:
  gopet bench --model all-MiniLM-L6-v2 --methods full,apet-discrete --shape 16x128`,
		Flags: []cli.Flag{
			modelFlag(),
			&cli.StringSliceFlag{Name: "methods", Usage: "`LIST` of methods", Value: cli.NewStringSlice(d.Methods...)},
			&cli.Int64Flag{Name: "params", Usage: "APET: `K` entries to tune", Value: d.K},
			&cli.StringFlag{Name: "shape", Usage: "`BATCHxLENGTH`", Value: fmt.Sprintf("%dx%d", d.Rows, d.Length)},
			&cli.IntFlag{Name: "steps", Usage: "`N` timed turns", Value: d.Steps},
			&cli.IntFlag{Name: "threads", Usage: "`N` threads an operation may use", DefaultText: "one a core"},
			&cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", Value: d.DType.String()},
			&cli.StringFlag{Name: "python", Usage: "`PATH` of a Python with torch and transformers, to run PyTorch's floor in turn"},
			jsonFlag(),
		},
		Before: needs("model"),
		Action: benchAction,
	}
}

func benchAction(c *cli.Context) error {
	o := bench.DefaultOptions()
	o.Model, o.Methods, o.K, o.Steps = c.String("model"), c.StringSlice("methods"), c.Int64("params"), c.Int("steps")
	o.Threads, o.Python = c.Int("threads"), c.String("python")
	if _, err := fmt.Sscanf(c.String("shape"), "%dx%d", &o.Rows, &o.Length); err != nil || o.Rows < 1 || o.Length < 1 {
		return usageError{fmt.Errorf("bench: shape %q: want BATCHxLENGTH, such as 16x128", c.String("shape"))}
	}
	if o.Steps < 1 {
		return usageError{fmt.Errorf("bench: %d steps: want 1 or more", o.Steps)}
	}
	var err error
	if o.DType, err = torch.ParseDType(c.String("dtype")); err != nil {
		return usageError{err}
	}
	watch := newPreparingBar(c.App.ErrWriter)
	o.Model, err = train.FindModel(c.Context, o.Model, watch.downloading)
	watch.clear()
	if err != nil {
		return err
	}
	bar := progress.New(c.App.ErrWriter, "turns", int64(o.WarmUp+o.Steps))
	report, err := bench.Run(c.Context, o, func(turn, _ int) { bar.Update(int64(turn)) })
	bar.Clear()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, report)
	}
	return printBench(c.App.Writer, report)
}

func printBench(w io.Writer, r *bench.Report) error {
	m := r.Machine
	fmt.Fprintf(w, "%s, %s, %d threads, libtorch %s, %s tokens\n\n", m.CPU, m.Vector, m.Threads, m.Libtorch, m.Shape)
	t := table.New(table.Left("method"), table.Right("tuned"), table.Right("step"), table.Right("of the\nfloor"),
		table.Right("95 %\ninterval"), table.Right("samples/s"), table.Right("tokens/s"))
	for _, result := range append(append([]bench.Result{r.Floor}, r.Results...), r.Peers...) {
		t.Add(result.Method, format.Count(result.Trainable), fmt.Sprintf("%.0f ms", result.StepSeconds*1e3),
			format.Decimal(result.FloorRatio, 3), fmt.Sprintf("%.3f-%.3f", result.FloorInterval[0], result.FloorInterval[1]),
			format.Decimal(result.SamplesPerSecond, 1), format.Count(int64(result.TokensPerSecond)))
	}
	return t.Write(w)
}
