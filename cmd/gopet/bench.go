package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
	"github.com/gopet-ml/gopet/train/bench"
)

func benchCommand() *cli.Command {
	d := bench.DefaultOptions()
	flags := []cli.Flag{
		modelFlag(),
		&cli.StringSliceFlag{Name: "methods", Usage: "`LIST` of methods, each NAME[:OPTION]...", DefaultText: bench.DefaultMethods},
		&cli.StringFlag{Name: "params", Usage: "what APET tunes where a method has no such option: `K` entries, a share such as 0.2%, or a METHOD", Value: bench.DefaultParams},
		&cli.StringFlag{Name: "shape", Usage: "`BATCHxLENGTH`: full rows of made-up tokens", DefaultText: fmt.Sprintf("%dx%d", d.Rows, d.Length)},
		dataFlag(),
	}
	flags = append(flags, taskFlags()...)
	return &cli.Command{
		Name:  "bench",
		Usage: "time a step of each method, and measure its memory, beside the floor and beside Hugging Face",
		Description: `The floor is forward, loss and activation gradient down to the embedding output, with
everything frozen. GEMM efficiency is the time of its matrix products alone over a step's.
Each contender is a process; steps are interleaved; ratios are medians of pairs.

A method is ` + bench.MethodSyntax + `

--peers runs the same training in transformers, peft and PyTorch, in turn, and first compares
the losses of both sides, which must be equal. It needs Python and pip, and 3 GB once.

Example:
  gopet bench --model all-MiniLM-L6-v2 --methods apet-discrete:0.2%,lora:all-linear --shape 16x128 --peers`,
		Flags: append(flags,
			&cli.IntFlag{Name: "batch", Usage: "`N` rows of --data a step", Value: train.DefaultConfig().Batch},
			&cli.IntFlag{Name: "max-length", Usage: "`N` tokens a row of --data", DefaultText: fmt.Sprintf("%d or what the model reads", train.DefaultMaxLength)},
			&cli.IntFlag{Name: "steps", Usage: "`N` timed turns; with --data batches, each in three turns", Value: d.Steps},
			&cli.StringFlag{Name: "device", Usage: "auto, cpu or cuda[:N]", Value: d.Device},
			&cli.IntFlag{Name: "threads", Usage: "`N` threads an operation may use", DefaultText: "one a core"},
			&cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", Value: d.DType.String()},
			&cli.Uint64Flag{Name: "seed", Usage: "`S` of masks, new weights and the order of rows"},
			&cli.BoolFlag{Name: "peers", Usage: "run Hugging Face's training in turn"},
			&cli.BoolFlag{Name: "compile", Usage: "with --peers: run each once more, compiled by torch.compile"},
			&cli.StringFlag{Name: "python", Usage: "`PATH` of a Python with torch and transformers, to run PyTorch's floor in turn, and with peft the peers", DefaultText: "with --peers one that is set up"},
			jsonFlag(),
		),
		Before: needs("model"),
		Action: benchAction,
	}
}

// benchWorkerCommand is what bench starts for each contender.
func benchWorkerCommand() *cli.Command {
	return &cli.Command{
		Name: benchWorker, Hidden: true, Usage: "make the steps that bench asks for",
		Description: `Reads a job and requests for steps, and answers each with a line of JSON.

Example:
  gopet bench-worker < job.jsonl`,
		Action: func(c *cli.Context) error { return bench.Serve(c.Context, os.Stdin, c.App.Writer) },
	}
}

const benchWorker = "bench-worker"

func benchAction(c *cli.Context) error {
	o, err := benchOptions(c)
	if err != nil {
		return err
	}
	watch := newPreparingBar(c.App.ErrWriter)
	defer watch.clear()
	if o.Model, err = train.FindModel(c.Context, o.Model, watch.downloading); err != nil {
		return err
	}
	if o.Data != "" { // workers ask the Hub for nothing
		if _, err := train.OpenData(c.Context, o.Data, watch.downloading); err != nil {
			return err
		}
	}
	if o.Peers && o.Python == "" {
		watch.clear()
		if o.Python, err = bench.SetUpPython(c.Context, c.App.ErrWriter); err != nil {
			return err
		}
	}
	report, err := bench.Run(c.Context, o, func(what string, done, total int) { watch.preparing(what, int64(done), int64(total)) })
	watch.clear()
	switch {
	case err != nil && report != nil: // losses differ, and these are they
		return errors.Join(err, bench.WriteLosses(c.App.ErrWriter, report))
	case err != nil:
		return err
	case c.Bool("json"):
		return writeJSON(c.App.Writer, report)
	}
	return report.Write(c.App.Writer)
}

func benchOptions(c *cli.Context) (bench.Options, error) {
	o := bench.DefaultOptions()
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	o.Worker = []string{self, benchWorker}
	o.Model, o.Steps, o.Threads, o.Seed = c.String("model"), c.Int("steps"), c.Int("threads"), c.Uint64("seed")
	o.Peers, o.Compile, o.Python = c.Bool("peers"), c.Bool("compile"), c.String("python")
	if o.Threads < 0 {
		return o, usageError{fmt.Errorf("bench: %d threads: want 0 or more", o.Threads)}
	}
	device, err := torch.ParseDevice(c.String("device"))
	if err != nil {
		return o, err
	}
	o.Device = device.String()
	if o.Compile && !o.Peers {
		return o, usageError{errors.New("bench: --compile is for the peers: add --peers")}
	}
	if err := benchRows(c, &o); err != nil {
		return o, usageError{err}
	}
	if o.Steps < 1 {
		return o, usageError{fmt.Errorf("bench: %d steps: want 1 or more", o.Steps)}
	}
	if o.DType, err = computedDType(c); err != nil {
		return o, usageError{fmt.Errorf("bench: %w", err)}
	}
	methods := c.StringSlice("methods")
	if len(methods) == 0 {
		methods = strings.Split(bench.DefaultMethods, ",")
	}
	for _, text := range methods {
		method, err := bench.ParseMethod(text, c.String("params"))
		if err != nil {
			return o, err
		}
		o.Methods = append(o.Methods, method)
	}
	return o, nil
}

// benchRows reads what the rows are: a shape, or data.
func benchRows(c *cli.Context, o *bench.Options) error {
	if !c.IsSet("data") {
		for _, flag := range []string{"task", "text", "label", "batch", "max-length"} {
			if c.IsSet(flag) {
				return fmt.Errorf("bench: --%s goes with --data; without it --shape says what rows there are", flag)
			}
		}
		if !c.IsSet("shape") {
			return nil
		}
		var err error
		if o.Rows, o.Length, err = parseShape(c.String("shape")); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		return nil
	}
	if c.IsSet("shape") {
		return errors.New("bench: --shape makes rows up, and --data has some: give one of them")
	}
	if !c.IsSet("task") {
		return errors.New("bench: --data needs a --task; see gopet tasks")
	}
	o.Data, o.Task, o.Text, o.Label = c.String("data"), c.String("task"), c.StringSlice("text"), c.String("label")
	if o.Rows, o.Length = c.Int("batch"), c.Int("max-length"); o.Rows < 1 {
		return fmt.Errorf("bench: batch %d: want 1 or more", o.Rows)
	}
	return nil
}
