package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/table"
	"github.com/gopet-ml/gopet/train"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "show the results of runs side by side",
		ArgsUsage: "RUN...",
		Description: `Example:
  gopet compare runs/k20000 runs/k0`,
		Flags:  []cli.Flag{jsonFlag()},
		Action: compareAction,
	}
}

func compareAction(c *cli.Context) error {
	if !c.Args().Present() {
		return usageError{fmt.Errorf("compare: no run directory given; see gopet compare --help")}
	}
	runs := c.Args().Slice()
	for _, run := range runs {
		if strings.HasPrefix(run, "-") {
			return usageError{fmt.Errorf("compare: %s stands after a run directory: flags come first", run)}
		}
	}
	results := make([]*train.Result, len(runs))
	for i, run := range runs {
		var err error
		if results[i], err = train.ReadResult(run); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, results)
	}
	return printComparison(c.App.Writer, runs, results)
}

func printComparison(w io.Writer, runs []string, results []*train.Result) error {
	t := table.New(table.Left("method"), table.Right("k"), table.Right("share of\nthe weights"),
		table.Right("validation\naccuracy"), table.Right("test\naccuracy"), table.Right("test\nmacro F1"),
		table.Right("samples/s"), table.Right("peak\nmemory"), table.Left("run directory"))
	for i, r := range results {
		method := r.Method
		if r.Trainable.Method == 0 {
			method = "head alone"
		}
		row := []string{method, format.Count(r.Trainable.Method), format.Percent(r.Share(), 2), "", "", "",
			format.Decimal(r.SamplesPerSecond, 1), format.Bytes(r.PeakMemoryBytes), runs[i]}
		if r.Best != nil {
			row[3] = format.Percent(r.Best.Scores["accuracy"], 2)
		}
		if r.Test != nil {
			row[4], row[5] = format.Percent(r.Test["accuracy"], 2), format.Percent(r.Test["macro_f1"], 2)
		}
		t.Add(row...)
	}
	return t.Write(w)
}
