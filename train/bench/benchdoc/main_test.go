package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/train/bench"
)

func report() *bench.Report {
	return &bench.Report{
		Machine: bench.Machine{
			CPU: "A CPU", Instructions: []string{"avx2"}, Threads: 2, Libtorch: "2.11.0", Versions: map[string]string{"peft": "0.21.2"},
			Device: "cpu", Shape: "16x128", DType: "float32", Date: time.Date(2026, 11, 27, 1, 2, 3, 0, time.UTC),
		},
		Products: []bench.Products{{Library: "libtorch", StepSeconds: 0.25, FLOPS: 2e11}},
		Floor:    bench.Result{Method: "floor", StepSeconds: 0.5, FloorRatio: 1, FloorInterval: [2]float64{1, 1}, SamplesPerSecond: 32, TokensPerSecond: 4096, GEMMEfficiency: 0.5},
		Results:  []bench.Result{{Method: "lora", Trainable: 73728, StepSeconds: 0.55, FloorRatio: 1.1, FloorInterval: [2]float64{1.09, 1.12}, PeakMemory: 3 << 20}},
		Peers:    []bench.Result{{Method: "peft lora, grouped", StepSeconds: 1, FloorRatio: 2}},
		Losses:   []bench.Losses{{Method: "lora", Peer: "peft lora", Ours: []float64{0.75, 0.5}, Theirs: []float64{0.75, 0.5}, Difference: 1e-7}},
		Speedups: []bench.Speedup{{Method: "lora", Peer: "peft lora, grouped", Ratio: 1.9}},
		Remarks:  []string{"peaks include loading"},
	}
}

func store(t *testing.T, r *bench.Report) string {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEverySectionIsWritten(t *testing.T) {
	out := filepath.Join(t.TempDir(), "benchmarks.md")
	again := report()
	again.Machine.Versions = map[string]string{"torch": "2.11.0"} // without peers peft is not needed
	if err := run([]string{"-out", out, "MiniLM=" + store(t, report()), "Again=" + store(t, again)}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nA CPU, cpu, 2 threads, avx2, libtorch 2.11.0, peft 0.21.2.\n",
		"\n## MiniLM\n\n16x128, float32, on 27 November 2026. Matrix products alone, libtorch: 250.0 ms, 200 GFLOP/s.\n\nNote: peaks include loading.\n\n|  | tuned |",
		"| floor | 0 | 500.0 ms | 1.000 | 1.000-1.000 | 32.0 | 4,096 | 0 B | 50.0% |\n| lora | 73,728 | 550.0 ms | 1.100 | 1.090-1.120 |",
		"| peft lora, grouped | 0 | 1000.0 ms | 2.000 |  |",
		"\n|  | peft lora, grouped |\n|---|---:|\n| lora | 1.90 |\n",
		"| lora | 0.750000 | 0.500000 | peft lora | 0.750000 | 0.500000 | 1.0e-07 |\n",
		"\n## Again\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestBadInputIsRefused(t *testing.T) {
	elsewhere := report()
	elsewhere.Machine.CPU = "Another"
	later := report()
	later.Machine.Versions = map[string]string{"peft": "1.0.0"}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "benchmarks.md")
	for want, arguments := range map[string][]string{
		"want -out FILE":  {"-out", out},
		"want TITLE=FILE": {"-out", out, "file"},
		"no such file":    {"-out", out, "A=nowhere"},
		"bad.json":        {"-out", out, "A=" + bad},
		"another machine": {"-out", out, "A=" + store(t, report()), "B=" + store(t, elsewhere)},
		"other versions":  {"-out", out, "A=" + store(t, report()), "B=" + store(t, later)},
	} {
		if err := run(arguments); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", arguments, err, want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a refused document was written")
	}
}
