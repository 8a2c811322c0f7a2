package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/importer"
	"github.com/gopet-ml/gopet/internal/doctor"
	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/table"
	"github.com/gopet-ml/gopet/train"
)

// printPairs writes name and value in two columns.
func printPairs(w io.Writer, pairs ...[2]string) error {
	t := table.New(table.Left(""), table.Left(""))
	for _, pair := range pairs {
		t.Add(pair[0], pair[1])
	}
	return t.Write(w)
}

func printResult(w io.Writer, r *train.Result, out string) error {
	pairs := [][2]string{
		{"method", r.Method},
		{"tuned", fmt.Sprintf("%s (%s)%s", format.Count(r.Trainable.Method),
			format.Percent(r.Share(), 2), andHead(r.Trainable))},
		{"best step", fmt.Sprintf("%s of %s", format.Count(int64(r.Best.Step)), format.Count(int64(r.Steps)))},
		{"validation " + r.Best.Metric, format.Percent(r.Best.Value, 2)},
	}
	pairs = append(pairs,
		[2]string{"training", fmt.Sprintf("%s, %s samples/s", format.Duration(time.Duration(r.TrainSeconds*float64(time.Second))),
			format.Decimal(r.SamplesPerSecond, 1))},
		[2]string{"peak memory", format.Bytes(r.PeakMemoryBytes)},
		[2]string{"adapter", filepath.Join(out, "adapter")})
	if err := printPairs(w, pairs...); err != nil {
		return err
	}
	if r.TestScores == nil {
		return nil
	}
	fmt.Fprintln(w)
	if err := printTest(w, r); err != nil || len(r.TestScores.Labels) <= 2 {
		return err
	}
	fmt.Fprintln(w)
	return printClasses(w, r.TestScores)
}

// printTest sets the test scores beside those of the baselines.
func printTest(w io.Writer, r *train.Result) error {
	columns := []table.Column{table.Left("test"), table.Right("tuned")}
	scores := []map[string]float64{r.Test}
	if b := r.Baselines; b != nil {
		if b.HeadOnly != nil {
			columns, scores = append(columns, table.Right("head alone")), append(scores, b.HeadOnly)
		}
		columns, scores = append(columns, table.Right("untuned")), append(scores, b.Untuned)
	}
	t := table.New(columns...)
	for _, name := range r.TestScores.Kind().Names() {
		row := []string{name}
		for _, of := range scores {
			row = append(row, format.Percent(of[name], 2))
		}
		t.Add(row...)
	}
	t.Add("random guess", format.Percent(r.TestScores.RandomGuess(), 2))
	t.Add("commonest answer", format.Percent(r.TestScores.Majority(), 2))
	return t.Write(w)
}

func printScores(w io.Writer, split string, s *train.Scores) error {
	pairs := [][2]string{{"split", split}, {"rows", format.Count(s.Rows())}, {"loss", format.Decimal(s.Loss, 4)}}
	for _, name := range s.Kind().Names() {
		if value, err := s.Value(name); err == nil {
			pairs = append(pairs, [2]string{name, format.Percent(value, 2)})
		}
	}
	pairs = append(pairs, [2]string{"random guess", format.Percent(s.RandomGuess(), 2)},
		[2]string{"commonest answer", format.Percent(s.Majority(), 2)})
	if err := printPairs(w, pairs...); err != nil {
		return err
	}
	if s.Labels == nil {
		return nil
	}
	fmt.Fprintln(w)
	return printClasses(w, s)
}

func printClasses(w io.Writer, s *train.Scores) error {
	t := table.New(table.Left("class"), table.Right("precision"), table.Right("recall"), table.Right("F1"), table.Right("rows"))
	for i, class := range s.Classes() {
		t.Add(s.Labels[i], format.Percent(class.Precision, 1), format.Percent(class.Recall, 1),
			format.Percent(class.F1, 1), format.Count(class.Support))
	}
	return t.Write(w)
}

func printImport(w io.Writer, s importer.Summary) error {
	t := table.New(table.Left("split"), table.Right("rows"), table.Right("shards"), table.Left("labels"))
	for _, split := range s.Splits {
		var labels []string
		for _, label := range split.Labels {
			labels = append(labels, fmt.Sprintf("%s %s", label.Name, format.Count(label.Rows)))
		}
		t.Add(split.Name, format.Count(split.Rows), format.Count(int64(split.Shards)), strings.Join(labels, ", "))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "columns %s, in %s\n", strings.Join(s.Columns, ", "), s.Out)
	return err
}

func printInspection(w io.Writer, r data.Report) error {
	for i, split := range r.Splits {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := printSplit(w, split); err != nil {
			return err
		}
	}
	return nil
}

func printSplit(w io.Writer, split data.SplitReport) error {
	fmt.Fprintf(w, "%s: %s rows in %d files, %d row groups\n", split.Name, format.Count(split.Rows), len(split.Files), split.Blocks)
	t := table.New(table.Left("  column"), table.Left("type"), table.Right("nulls"), table.Left("values"))
	for _, column := range split.Columns {
		var values []string
		for _, class := range column.Classes {
			values = append(values, fmt.Sprintf("%s %s", class.Name, format.Count(class.Rows)))
		}
		if q := column.Characters; q != nil {
			values = append(values, fmt.Sprintf("%d to %d characters, half of them up to %d, 99 in 100 up to %d", q.Min, q.Max, q.Median, q.P99))
		}
		if column.Unknown > 0 {
			values = append(values, fmt.Sprintf("outside the classes %s", format.Count(column.Unknown)))
		}
		if column.InvalidUTF8 > 0 {
			values = append(values, fmt.Sprintf("not UTF-8 %s", format.Count(column.InvalidUTF8)))
		}
		t.Add("  "+column.Name, column.Kind, format.Count(column.Nulls), strings.Join(values, ", "))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, sample := range split.Samples {
		fmt.Fprintln(w, "  "+sampleLine(sample, split.Columns))
	}
	return nil
}

// sampleLine shows a row in one line, long texts cut.
func sampleLine(sample map[string]any, columns []data.ColumnReport) string {
	const most = 60
	var parts []string
	for _, column := range columns {
		text := []rune(strings.Join(strings.Fields(fmt.Sprint(sample[column.Name])), " "))
		if len(text) > most {
			text = append(text[:most-1], '…')
		}
		parts = append(parts, column.Name+": "+string(text))
	}
	return strings.Join(parts, " | ")
}

func printDoctor(w io.Writer, r *doctor.Report) error {
	cuda := fmt.Sprintf("%d devices", r.CUDA.Devices)
	if r.CUDA.Reason != "" {
		cuda = "none: " + r.CUDA.Reason
	}
	kernels := "loaded"
	if r.CUDA.NoKernels != "" {
		kernels = "none, libtorch computes: " + r.CUDA.NoKernels
	}
	err := printPairs(w,
		[2]string{"gopet", r.Gopet},
		[2]string{"libtorch", r.Libtorch},
		[2]string{"go", r.Go + ", " + r.System},
		[2]string{"cpu", fmt.Sprintf("%s, %d threads", r.Vector, r.Threads)},
		[2]string{"cuda", cuda},
		[2]string{"cuda kernels", kernels})
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	t := table.New(table.Left("kernel"), table.Left("device"), table.Right("largest\nerror"), table.Right("bound"),
		table.Right("time"), table.Right("of the\nreference's"), table.Left(""))
	for _, k := range r.Kernels {
		verdict := "ok"
		if !k.OK {
			verdict = "DIFFERS"
		}
		t.Add(k.Name, k.Device, fmt.Sprintf("%.1e", k.MaxError), fmt.Sprintf("%.0e", k.Bound),
			fmt.Sprintf("%.2f ms", k.Seconds*1e3), format.Decimal(k.Ratio, 2), verdict)
	}
	return t.Write(w)
}
