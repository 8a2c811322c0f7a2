package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/train/bench"
)

const preface = `# Benchmarks

Training steps of gopet beside those of transformers, peft and PyTorch: the same model, rows,
threads and precision. Made by ` + "`make bench-peers`" + `.

- A **step** is forward, loss, backward, clipping and AdamW. The **floor** is forward, loss and the
  gradient of the activations down to the embedding output, with everything frozen.
- Every contender is a process. One step of each takes its turn, in an order that is drawn anew; a
  ratio is the median over turns of the times in the same turn, with its 95 % interval. Where batches
  differ in size, each is timed in three turns, its time is their median, a ratio is the median over
  batches, and samples a second are all rows over the times of all batches. Grouped rows make other
  batches: there a ratio is that of the samples a second.
- **GEMM efficiency** is the time of the floor's matrix products alone (linear layers and attention,
  forward and activation gradient, no padding; in the faster library), in the same turns, over the
  step's.
- **Peak memory** is the high-water mark of resident memory less what was resident after loading.
- Peers are trained as one does in Python, in eager mode: SDPA attention, dropout 0, fused AdamW,
  gradients set to None, padded batches ready before the step. Weights and what they are trained in
  have the precision that is named; added parameters of peft are float32, as peft makes them. SHiRA
  tunes the same entries as APET. *Grouped* peers get the same rows put together by length over all
  the batches of the run, as transformers' group_by_length does over fifty.
- Both run with the system's memory allocator as it comes. gopet's shim has one of its own beside it,
  which keeps large blocks and asks for huge pages; tuning malloc for Python was not tried here.
- Both sides start from the same values. Their losses over five steps of AdamW are compared first, and a
  benchmark whose losses differ by more than a ten-thousandth fails; a twentieth in bfloat16, in which
  peers' losses have three digits.
`

func document(w io.Writer, sections []section) {
	fmt.Fprintf(w, "%s\n%s.\n", preface, place(sections[0].report.Machine))
	for _, s := range sections {
		m := s.report.Machine
		fmt.Fprintf(w, "\n## %s\n\n%s, %s, on %s.", s.title, m.Shape, m.DType, m.Date.Format("2 January 2006"))
		for _, p := range s.report.Products {
			fmt.Fprintf(w, " Matrix products alone, %s: %.1f ms, %s GFLOP/s.", p.Library, p.StepSeconds*1e3, format.Decimal(p.FLOPS/1e9, 0))
		}
		fmt.Fprintln(w)
		for _, remark := range s.report.Remarks {
			fmt.Fprintf(w, "\nNote: %s.\n", remark)
		}
		results(w, s.report)
		speedups(w, s.report)
		losses(w, s.report)
	}
}

// place is where and with what a report was measured.
func place(m bench.Machine) string {
	words := []string{m.CPU, m.Device, fmt.Sprintf("%d threads", m.Threads), strings.Join(m.Instructions, " "), "libtorch " + m.Libtorch}
	for _, name := range []string{"python", "torch", "transformers", "peft"} {
		if version := m.Versions[name]; version != "" {
			words = append(words, name+" "+version)
		}
	}
	return strings.Join(words, ", ")
}

// samePlace says whether two reports were measured on one machine with the same
// versions; not every report needs all packages.
func samePlace(a, b bench.Machine) bool {
	for name, version := range a.Versions {
		if other, ok := b.Versions[name]; ok && other != version {
			return false
		}
	}
	a.Versions, b.Versions = nil, nil
	return place(a) == place(b)
}

func results(w io.Writer, r *bench.Report) {
	row(w, "", "tuned", "step", "of the floor", "95 % interval", "samples/s", "tokens/s", "peak memory", "GEMM efficiency")
	rule(w, 8)
	for _, x := range r.All() {
		interval := ""
		if x.FloorInterval != [2]float64{} {
			interval = fmt.Sprintf("%.3f-%.3f", x.FloorInterval[0], x.FloorInterval[1])
		}
		row(w, x.Method, format.Count(x.Trainable), fmt.Sprintf("%.1f ms", x.StepSeconds*1e3), format.Decimal(x.FloorRatio, 3), interval,
			format.Decimal(x.SamplesPerSecond, 1), format.Count(int64(x.TokensPerSecond)), format.Bytes(x.PeakMemory), x.Efficiency())
	}
}

func speedups(w io.Writer, r *bench.Report) {
	if len(r.Speedups) == 0 {
		return
	}
	fmt.Fprintf(w, "\nA peer's step, in times gopet's:\n")
	names := []string{""}
	for _, peer := range r.Peers {
		names = append(names, peer.Method)
	}
	row(w, names...)
	rule(w, len(r.Peers))
	for _, ours := range r.Results {
		cells := []string{ours.Method}
		for _, peer := range r.Peers {
			cell := ""
			if s, ok := r.Speedup(ours.Method, peer.Method); ok {
				cell = ratio(s)
			}
			cells = append(cells, cell)
		}
		row(w, cells...)
	}
}

func ratio(s bench.Speedup) string {
	text := format.Decimal(s.Ratio, 2)
	if s.Interval != [2]float64{} {
		text += fmt.Sprintf(" (%.2f-%.2f)", s.Interval[0], s.Interval[1])
	}
	return text
}

func losses(w io.Writer, r *bench.Report) {
	if len(r.Losses) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLosses of the first and the last of five steps:\n")
	row(w, "", "gopet", "", "peer", "", "", "largest difference")
	rule(w, 6)
	for _, l := range r.Losses {
		last := len(l.Ours) - 1
		row(w, l.Method, decimal(l.Ours[0]), decimal(l.Ours[last]), l.Peer, decimal(l.Theirs[0]), decimal(l.Theirs[last]),
			fmt.Sprintf("%.1e", l.Difference))
	}
}

func decimal(x float64) string { return fmt.Sprintf("%.6f", x) }

// row writes a row of a table, and before its header an empty line.
func row(w io.Writer, cells ...string) {
	if cells[0] == "" {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// rule ends a header: a column of names, and n of numbers.
func rule(w io.Writer, n int) {
	fmt.Fprintf(w, "|---|%s\n", strings.Repeat("---:|", n))
}
