package bench

import (
	"fmt"
	"io"
	"strings"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/table"
)

// Write writes the report as tables.
func (r *Report) Write(w io.Writer) error {
	fmt.Fprintln(w, r.Machine)
	for _, p := range r.Products {
		fmt.Fprintf(w, "matrix products alone (%s): %.1f ms a step, %s GFLOP/s\n", p.Library, p.StepSeconds*1e3, format.Decimal(p.FLOPS/1e9, 0))
	}
	for _, remark := range r.Remarks {
		fmt.Fprintln(w, remark)
	}
	fmt.Fprintln(w)
	if err := r.results().Write(w); err != nil {
		return err
	}
	if len(r.Losses) > 0 {
		fmt.Fprintln(w)
		if err := WriteLosses(w, r); err != nil {
			return err
		}
	}
	if len(r.Speedups) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\na peer's step, in times gopet's:")
	return r.speedups().Write(w)
}

// String is the machine in a line.
func (m Machine) String() string {
	parts := []string{m.CPU, strings.Join(m.Instructions, " "), fmt.Sprint(m.Threads, " threads"), "libtorch " + m.Libtorch}
	for _, name := range []string{"torch", "transformers", "peft"} {
		if version := m.Versions[name]; version != "" {
			parts = append(parts, name+" "+version)
		}
	}
	return strings.Join(append(parts, m.Device, m.Shape, m.DType), ", ")
}

// All lists every result: the floor, gopet's, the peers'.
func (r *Report) All() []Result {
	return append(append([]Result{r.Floor}, r.Results...), r.Peers...)
}

func (r *Report) results() *table.Table {
	t := table.New(table.Left("method"), table.Right("tuned"), table.Right("step"), table.Right("of the\nfloor"),
		table.Right("95 %\ninterval"), table.Right("samples/s"), table.Right("tokens/s"), table.Right("peak\nmemory"), table.Right("GEMM\nefficiency"))
	for _, x := range r.All() {
		t.Add(x.Method, format.Count(x.Trainable), fmt.Sprintf("%.1f ms", x.StepSeconds*1e3), format.Decimal(x.FloorRatio, 3),
			interval(x.FloorInterval), format.Decimal(x.SamplesPerSecond, 1), format.Count(int64(x.TokensPerSecond)),
			format.Bytes(x.PeakMemory), x.Efficiency())
	}
	return t
}

// Efficiency is GEMMEfficiency in percent, "" where there is none.
func (r Result) Efficiency() string {
	if r.GEMMEfficiency == 0 {
		return ""
	}
	return format.Percent(r.GEMMEfficiency, 1)
}

func interval(i [2]float64) string {
	if i == [2]float64{} {
		return ""
	}
	return fmt.Sprintf("%.3f-%.3f", i[0], i[1])
}

// WriteLosses writes the losses of both sides.
func WriteLosses(w io.Writer, r *Report) error {
	t := table.New(table.Left("losses of the first steps"), table.Left(""), table.Right("largest\ndifference"))
	for _, l := range r.Losses {
		t.Add(l.Method, decimals(l.Ours))
		t.Add(l.Peer, decimals(l.Theirs), fmt.Sprintf("%.1e", l.Difference))
	}
	return t.Write(w)
}

func decimals(values []float64) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprintf("%.6f", value)
	}
	return strings.Join(texts, " ")
}

// speedups has a row for each method of gopet and a column for each peer.
func (r *Report) speedups() *table.Table {
	columns := []table.Column{table.Left("")}
	for _, peer := range r.Peers {
		columns = append(columns, table.Right(strings.ReplaceAll(peer.Method, " ", "\n")))
	}
	t := table.New(columns...)
	for _, ours := range r.Results {
		row := []string{ours.Method}
		for _, peer := range r.Peers {
			cell := ""
			if s, ok := r.Speedup(ours.Method, peer.Method); ok {
				cell = format.Decimal(s.Ratio, 2)
			}
			row = append(row, cell)
		}
		t.Add(row...)
	}
	return t
}
