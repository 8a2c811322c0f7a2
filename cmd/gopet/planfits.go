package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/table"
	"github.com/gopet-ml/gopet/train"
	"github.com/gopet-ml/gopet/train/plan"
)

// asksWhatFits says whether plan is asked about a GPU and not about a run.
func asksWhatFits(c *cli.Context) bool { return c.IsSet("gpu") || c.IsSet("memory") }

func fitsNeeds(c *cli.Context) error {
	switch {
	case c.IsSet("gpu") && c.IsSet("memory"):
		return usageError{errors.New("plan: --gpu has a --memory of its own: give one of them")}
	case c.IsSet("model") || c.Bool("calibrate"):
		return usageError{errors.New("plan: --gpu and --memory tell of every T5: leave --model and --calibrate out")}
	case c.IsSet("method") && !c.IsSet("params"):
		return needs()(c) // APET tunes as much as LoRA
	case c.IsSet("method"):
		return methodTakes(c, c.String("method"))
	}
	return needs()(c)
}

func fitsAction(c *cli.Context, o plan.Options) error {
	memory, err := fitsMemory(c)
	if err != nil {
		return usageError{fmt.Errorf("plan: %w", err)}
	}
	if !c.IsSet("dtype") {
		o.DType = "bfloat16"
	}
	if o.Shape.Length == 0 {
		o.Shape.Length = train.DefaultMaxLength
	}
	methods := plan.FitMethods
	if c.IsSet("method") {
		methods = []string{o.Method}
	}
	fits, err := plan.Fits(memory, methods, o)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, map[string]any{
			"memory_bytes": memory, "length": o.Shape.Length, "target": o.Shape.Target, "dtype": o.DType, "fits": fits,
		})
	}
	fmt.Fprintf(c.App.ErrWriter, "the largest batches of rows of %d tokens, %d to answer, in %s and %s: predicted, confirmed by no GPU\n",
		o.Shape.Length, o.Shape.Target, o.DType, format.Bytes(memory))
	return writeFits(c, fits, methods)
}

// writeFits sets the models one below the other and the methods side by side.
func writeFits(c *cli.Context, fits []plan.Fit, methods []string) error {
	columns := []table.Column{table.Left("model"), table.Right("parameters")}
	for _, method := range methods {
		columns = append(columns, table.Right(method))
	}
	t := table.New(columns...)
	for len(fits) > 0 {
		row := []string{fits[0].Model, format.Count(fits[0].Parameters)}
		for _, fit := range fits[:len(methods)] {
			row = append(row, format.Count(int64(fit.Batch)))
		}
		t.Add(row...)
		fits = fits[len(methods):]
	}
	return t.Write(c.App.Writer)
}

func fitsMemory(c *cli.Context) (int64, error) {
	if c.IsSet("gpu") {
		return plan.GPUMemory(c.String("gpu"))
	}
	text := strings.ToUpper(c.String("memory"))
	number := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(text, "B"), "I"), "G")
	gib, err := strconv.ParseFloat(number, 64)
	if err != nil || number == text || !(gib > 0 && gib < 1<<20) {
		return 0, fmt.Errorf("memory %q: want gigabytes, such as 24GB", c.String("memory"))
	}
	return int64(gib * float64(plan.GiB)), nil
}
