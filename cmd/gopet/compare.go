package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data/task"
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

// printComparison names the metric that chose the best steps in the header
// where it is the same for all, else in each row.
func printComparison(w io.Writer, runs []string, results []*train.Result) error {
	metric, same := commonMetric(results)
	columns := []table.Column{table.Left("method"), table.Right("k"), table.Right("share of\nthe weights")}
	if same {
		columns = append(columns, table.Right("validation\n"+metric), table.Right("test\n"+metric))
	} else {
		columns = append(columns, table.Left("metric"), table.Right("validation"), table.Right("test"))
	}
	if metric == task.Accuracy {
		columns = append(columns, table.Right("test\nmacro F1"))
	}
	t := table.New(append(columns, table.Right("samples/s"), table.Right("peak\nmemory"), table.Left("run directory"))...)
	for i, r := range results {
		row := []string{r.Method, format.Count(r.Trainable.Method), format.Percent(r.Share(), 2)}
		if r.Trainable.Method == 0 {
			row[0] = "head alone"
		}
		if !same {
			row = append(row, metricOf(r))
		}
		row = append(row, scoreOf(bestScores(r), metricOf(r)), scoreOf(r.Test, metricOf(r)))
		if metric == task.Accuracy {
			row = append(row, scoreOf(r.Test, task.MacroF1))
		}
		t.Add(append(row, format.Decimal(r.SamplesPerSecond, 1), format.Bytes(r.PeakMemoryBytes), runs[i])...)
	}
	return t.Write(w)
}

// commonMetric is the metric of all runs that have one, and whether it is the
// only one.
func commonMetric(results []*train.Result) (metric string, same bool) {
	for _, r := range results {
		if name := metricOf(r); metric == "" {
			metric = name
		} else if name != "" && name != metric {
			return "", false
		}
	}
	return metric, true
}

func metricOf(r *train.Result) string {
	if r.Best == nil {
		return ""
	}
	return r.Best.Metric
}

func bestScores(r *train.Result) map[string]float64 {
	if r.Best == nil {
		return nil
	}
	return r.Best.Scores
}

// scoreOf is empty where there is no such score.
func scoreOf(scores map[string]float64, metric string) string {
	value, ok := scores[metric]
	if !ok {
		return ""
	}
	return format.Percent(value, 2)
}
