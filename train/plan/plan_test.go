package plan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	_ "github.com/gopet-ml/gopet/pet/methods"
	"github.com/gopet-ml/gopet/train/bench"
)

// serves makes the test's own program a worker of bench.
const serves = "serve-bench"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serves {
		if err := bench.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	torchtest.Main(m)
}

// tinyBERT has two layers of 16 features.
var tinyBERT = filepath.Join("..", "testdata", "tiny")

func planFor(t *testing.T, change func(*Options)) *Plan {
	t.Helper()
	o := Options{Model: tinyBERT, Method: "full", Labels: 2, DType: "float32", Shape: Shape{Rows: 4, Length: 8, Target: 2}, Threads: 2}
	change(&o)
	p, err := Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStatesAreCountedToTheByte(t *testing.T) {
	torchtest.NoLeaks(t)
	const base, head = 5748, 51 // entries; the head is the model's own, of three classes
	type states struct{ Tuned, Gradients, Optimizer int64 }
	for _, c := range []struct {
		method, params, dtype string
		want                  states
	}{
		{"full", "", "float32", states{0, 4 * (base + head), 8 * (base + head)}},
		{"apet-discrete", "200", "float32", states{(8 + 4 + 4) * 200, 4 * (200 + head), 8 * (200 + head)}},
		{"apet-adjacent", "200", "bfloat16", states{(8 + 4 + 2) * 200, 4*200 + 2*head, 8*(200+head) + 4*head}},
		{"lora", "", "float32", states{4 * 1024, 4 * (1024 + head), 8 * (1024 + head)}}, // q and v of two layers, rank 8
		{"prompt", "", "bfloat16", states{4 * 48, 4*48 + 2*head, 8*(48+head) + 4*head}},
	} {
		t.Run(c.method, func(t *testing.T) {
			p := planFor(t, func(o *Options) { o.Method, o.Params, o.DType, o.Tuning.Prompt = c.method, c.params, c.dtype, 3 })
			if diff := cmp.Diff(c.want, states{p.Memory.Tuned, p.Memory.Gradients, p.Memory.Optimizer}); diff != "" {
				t.Error(diff)
			}
			m := p.Memory
			if m.Total != m.Weights+m.Peak || m.Peak != m.Tuned+m.Gradients+m.Optimizer+m.Activations+m.Libraries {
				t.Errorf("parts and sums differ: %+v", m)
			}
		})
	}
}

func TestMoreTakesMore(t *testing.T) {
	torchtest.NoLeaks(t)
	activations := func(change func(*Options)) int64 { return planFor(t, change).Memory.Activations }
	least := activations(func(o *Options) { o.Method = "bitfit" })
	for name, change := range map[string]func(*Options){
		"rows":   func(o *Options) { o.Method, o.Shape.Rows = "bitfit", 8 },
		"tokens": func(o *Options) { o.Method, o.Shape.Length = "bitfit", 16 },
		"layers": func(o *Options) { o.Method = "adapter" },
		"ranks":  func(o *Options) { o.Method, o.Tuning.Targets = "lora", "all-linear" },
	} {
		if most := activations(change); most <= least {
			t.Errorf("more %s take %d bytes, and less of them %d", name, most, least)
		}
	}
}

func TestARowBeyondTheModelIsRefused(t *testing.T) {
	torchtest.NoLeaks(t)
	_, err := Make(t.Context(), Options{Model: tinyBERT, Method: "full", DType: "float32", Shape: Shape{Rows: 1, Length: 100000, Target: 1}})
	if err == nil || !strings.Contains(err.Error(), "reads at most") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

func TestFitFindsTheRatesThatMadeTheTimes(t *testing.T) {
	want := work{productOperations: 4e-12, productCalls: 2e-5, plainBytes: 1e-10}
	var done []work
	var took []float64
	for i := range 12 {
		x := float64(i + 1)
		w := work{productOperations: 1e9 * x, productCalls: 1 + 3*math.Mod(x, 4), plainBytes: 1e7 * math.Mod(5*x, 7), rmsElements: 1e3 * math.Mod(x, 3)}
		done, took = append(done, w), append(took, w.seconds(want))
	}
	for k, rate := range fit(done, took) {
		if math.Abs(rate-want[k]) > 1e-3*want[k]+1e-14 {
			t.Errorf("%s: %g, want %g", costNames[k], rate, want[k])
		}
	}
}

func TestCalibrationIsThisMachinesOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "calibration.json")
	if _, err := ReadCalibration(path); !errors.Is(err, ErrNotCalibrated) {
		t.Errorf("without a file: %v", err)
	}
	c := &Calibration{Version: calibrationVersion, Machine: ThisMachine(), Seconds: map[string]map[string]float64{}}
	var rates work
	for i := range rates {
		rates[i] = float64(i+1) * 1e-12
	}
	c.set("float32", rates)
	read := func() (*Calibration, error) {
		t.Helper()
		if err := c.Write(path); err != nil {
			t.Fatal(err)
		}
		return ReadCalibration(path)
	}
	back, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Error(diff)
	}
	if got, ok := back.rates("float32"); !ok || got != rates {
		t.Errorf("rates %v", got)
	}
	if _, ok := back.rates("bfloat16"); ok {
		t.Error("rates that nobody measured")
	}
	c.Machine.CPU = "another"
	if _, err := read(); !errors.Is(err, ErrNotCalibrated) || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("rates of another machine: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCalibration(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestSecondsComeWithACalibration(t *testing.T) {
	torchtest.NoLeaks(t)
	if p := planFor(t, func(*Options) {}); p.StepSeconds != nil {
		t.Errorf("%g seconds of a machine that nobody measured", *p.StepSeconds)
	}
	c := &Calibration{Seconds: map[string]map[string]float64{}}
	c.set("float32", work{updatedValues: 2})
	p := planFor(t, func(o *Options) { o.Calibration = c })
	if want := 2 * float64(p.Trainable.Method+p.Trainable.Head); p.StepSeconds == nil || *p.StepSeconds != want {
		t.Errorf("%v seconds, want %g", p.StepSeconds, want)
	}
}

func TestLargerGPUsHoldMore(t *testing.T) {
	torchtest.NoLeaks(t)
	o := Options{DType: "bfloat16", Shape: Shape{Length: 128, Target: 8}}
	small, err := Fits(24*GiB, []string{"bitfit"}, o)
	if err != nil {
		t.Fatal(err)
	}
	large, err := Fits(80*GiB, []string{"bitfit"}, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, fit := range small {
		if fit.Batch > 0 && fit.Bytes > 24*GiB || large[i].Batch <= fit.Batch {
			t.Errorf("24 GiB hold %+v, 80 GiB %+v", fit, large[i])
		}
		if i > 0 && fit.Batch >= small[i-1].Batch {
			t.Errorf("%s has more rows than %s", fit.Model, small[i-1].Model)
		}
	}
	if small[1].Parameters != 247577856 {
		t.Errorf("a base of %d parameters", small[1].Parameters)
	}
}

func TestGPUsAreKnownByTheirNames(t *testing.T) {
	for name, want := range map[string]int64{"H100": 80, "A100 40GB": 0, "a100-40GB": 40, "RTX 4090": 24} {
		got, err := GPUMemory(name)
		if want == 0 {
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %d, %v", name, got, err)
			}
		} else if err != nil || got != want*GiB {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
}

// What is predicted is what a process's memory comes to.
func TestPeaksAreThoseOfProcesses(t *testing.T) {
	model := os.Getenv("GOPET_MINILM_L6")
	if model == "" {
		t.Skip("GOPET_MINILM_L6 is not set: no model to measure (make test downloads it)")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := bench.DefaultOptions()
	o.Model, o.Rows, o.Length, o.Steps, o.WarmUp, o.Threads, o.Worker = model, 16, 64, 1, 0, 2, []string{self, serves}
	for _, text := range []string{"full", "apet-discrete:2000"} {
		method, err := bench.ParseMethod(text, "")
		if err != nil {
			t.Fatal(err)
		}
		o.Methods = append(o.Methods, method)
	}
	report, err := bench.Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range report.Results {
		m := o.Methods[i]
		p := planFor(t, func(p *Options) {
			p.Model, p.Method, p.Params, p.Tuning, p.Shape = model, m.Name, m.Params, m.Tuning, Shape{Rows: 16, Length: 64, Target: 8}
		})
		if off := float64(p.Memory.Peak)/float64(result.PeakMemory) - 1; math.Abs(off) > 0.1 {
			t.Errorf("%s: %d bytes predicted, %d measured, %+.0f %%", m.Text, p.Memory.Peak, result.PeakMemory, 100*off)
		}
	}
}
