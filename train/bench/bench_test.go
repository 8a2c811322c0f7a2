package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

// serves makes the test's own program a worker.
const serves = "serve-bench"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serves {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	torchtest.Main(m)
}

// tiny is a short measurement of a BERT of two layers.
func tiny(t *testing.T, methods ...string) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Model, o.Rows, o.Length, o.Steps, o.WarmUp, o.Threads = tinyModel(t), 3, 8, 5, 1, 1
	o.Worker = []string{self, serves}
	for _, text := range methods {
		method, err := ParseMethod(text, "200")
		if err != nil {
			t.Fatal(err)
		}
		o.Methods = append(o.Methods, method)
	}
	return o
}

// words are the vocabulary of the tests after the special tokens.
var words = []string{"red", "green", "blue", "one", "two", "three", "cat", "dog", "bird", "runs", "sleeps", "sings"}

// tinyModel is the tiny BERT of testdata with a tokenizer.
func tinyModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		content, err := os.ReadFile(filepath.Join("..", "testdata", "tiny", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(content))
	}
	write(t, filepath.Join(dir, "vocab.txt"), strings.Join(append([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, words...), "\n")+"\n")
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestRunMeasuresEveryMethod(t *testing.T) {
	o := tiny(t, "full", "apet-discrete", "apet-adjacent:10%:block=4", "lora:all-linear:rank=2", "prompt:length=3")
	turns := 0
	report, err := Run(t.Context(), o, func(what string, done, total int) {
		if what == "turns" {
			if turns++; done != turns-1 || total != o.WarmUp+o.Steps {
				t.Errorf("told of %d of %d turns after %d", done, total, turns-1)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if turns != o.WarmUp+o.Steps+1 {
		t.Errorf("told %d times of turns", turns)
	}
	if f := report.Floor; f.FloorRatio != 1 || f.FloorInterval != [2]float64{1, 1} || f.StepSeconds <= 0 || f.Trainable != 0 {
		t.Errorf("floor %+v", f)
	}
	tuned := map[string]int64{ // a layer's linear weights have 4*16*16 + 2*16*26 entries
		"full": 5748, "apet-discrete": 200, "apet-adjacent:10%:block=4": 371, "lora:all-linear:rank=2": 2 * 2 * (4*32 + 2*42), "prompt:length=3": 48,
	}
	for i, r := range append(report.Results, report.Floor) {
		if i < len(o.Methods) && (r.Method != o.Methods[i].Text || r.Trainable != tuned[r.Method]) {
			t.Errorf("result %d: %+v", i, r)
		}
		if !(r.FloorInterval[0] <= r.FloorRatio && r.FloorRatio <= r.FloorInterval[1]) {
			t.Errorf("%s: ratio %g outside its interval %g", r.Method, r.FloorRatio, r.FloorInterval)
		}
		near(t, r.SamplesPerSecond*r.StepSeconds, 3)
		near(t, r.TokensPerSecond*r.StepSeconds, 24)
		fastest := math.Min(report.Products[0].StepSeconds, report.Products[1].StepSeconds)
		near(t, r.GEMMEfficiency*r.StepSeconds, fastest)
		if r.PeakMemory <= 0 {
			t.Errorf("%s: a peak of %d bytes", r.Method, r.PeakMemory)
		}
	}
	if len(report.Results) != len(o.Methods) || len(report.Peers) != 0 || report.Machine.Shape != "3x8" || report.Machine.Threads != 1 {
		t.Errorf("report %+v", report)
	}
}

// The multiply-adds of the tiny BERT, by hand: two products of every linear
// layer and six of each attention.
func TestProductsAreThoseOfTheModel(t *testing.T) {
	report, err := Run(t.Context(), tiny(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	const tokens, rows, length, dim, inner, layers, labels = 24, 3, 8, 16, 26, 2, 3
	linear := 2 * (layers*tokens*(4*dim*dim+2*dim*inner) + rows*(dim*dim+dim*labels))
	attention := layers * 6 * rows * length * length * dim
	for _, p := range report.Products {
		near(t, p.FLOPS*p.StepSeconds, float64(2*(linear+attention)))
	}
	if len(report.Products) != 2 {
		t.Errorf("products %+v", report.Products)
	}
}

func TestRealRowsAreTimedInBatches(t *testing.T) {
	o := tiny(t, "bitfit")
	o.Data, o.Task, o.Text, o.Label, o.Length = importRows(t, 40), "classify", []string{"text"}, "kind", 12
	o.Rows, o.Steps = 8, 4
	report, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Results[0]
	if r.TokensPerSecond/r.SamplesPerSecond <= 3 || r.TokensPerSecond/r.SamplesPerSecond > 12 {
		t.Errorf("%g tokens a row", r.TokensPerSecond/r.SamplesPerSecond)
	}
	if report.Machine.Shape != "classify, 8 rows" {
		t.Errorf("shape %q", report.Machine.Shape)
	}
	o.Steps = 6
	if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "40 rows, and 48 are asked for") {
		t.Errorf("error %v", err)
	}
}

func TestTextToTextIsMeasured(t *testing.T) {
	o := tiny(t, "lora", "apet-discrete:1%")
	o.Model = tinyT5(t)
	report, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, report.Floor.TokensPerSecond/report.Floor.SamplesPerSecond, 8+madeUpTargets)
}

func TestRunRefuses(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"floor: no such model directory":                     func(o *Options) { o.Model = "nowhere" },
		"apet-discrete: apet-discrete: ":                     func(o *Options) { o.Methods[0].Params = "1000000" },
		"reads at most 24":                                   func(o *Options) { o.Length = 25 },
		"reads at most 23 tokens besides a prompt of 1 vect": func(o *Options) { *o = tiny(t, "prompt:length=1"); o.Length = 24 },
		"PyTorch floor: ":                                    func(o *Options) { o.Python = "/nowhere/python3" },
		"PyTorch floor: it ended early":                      func(o *Options) { o.Python = "/bin/true" },
		"want 1 or more":                                     func(o *Options) { o.Rows = 0 },
		"peers need a Python":                                func(o *Options) { o.Peers = true },
		"data and task go together":                          func(o *Options) { o.Data = "rows" },
		"floor: device \"cuda:99\": ":                        func(o *Options) { o.Device = "cuda:99" },
		"to compile are the peers":                           func(o *Options) { o.Compile = true },
		"no worker":                                          func(o *Options) { o.Worker = nil },
	} {
		o := tiny(t, "apet-discrete")
		change(&o)
		if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestRunStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stop := func(what string, _, _ int) {
		if what == "turns" {
			cancel()
		}
	}
	if _, err := Run(ctx, tiny(t, "full"), stop); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAFailedProcessTellsItsLastLine(t *testing.T) {
	o := tiny(t)
	o.Python = script(t, "read -r line; echo Traceback >&2; echo 'ModuleNotFoundError: no transformers' >&2; exit 1")
	if _, err := Run(t.Context(), o, nil); err == nil || err.Error() != "PyTorch floor: it ended early: ModuleNotFoundError: no transformers" {
		t.Errorf("error %v", err)
	}
	o.Python = script(t, "echo no JSON; cat >/dev/null")
	if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "it answered what is no answer") {
		t.Errorf("error %v", err)
	}
}

// standIn is a peer that answers every step with these numbers.
func standIn(t *testing.T, seconds, loss string) string {
	return script(t, `read -r job; echo '{"trainable": 7, "threads": 1, "versions": {"torch": "9"}}'
while read -r line; do echo '{"seconds": `+seconds+`, "loss": `+loss+`, "peak_bytes": 5}'; done`)
}

func TestPeersWithOtherLossesAreRefused(t *testing.T) {
	o := tiny(t)
	o.Python = standIn(t, "0.25", "3.5")
	report, err := Run(t.Context(), o, nil)
	if err == nil || !strings.Contains(err.Error(), "floor and PyTorch floor do not compute the same") {
		t.Errorf("error %v", err)
	}
	if len(report.Losses) != 1 || report.Losses[0].Theirs[0] != 3.5 || len(report.Losses[0].Ours) != firstSteps {
		t.Errorf("losses %+v", report.Losses)
	}
}

func TestSettingPythonUpNeedsBash(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := SetUpPython(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "--python PATH takes one that is there") {
		t.Errorf("error %v", err)
	}
}

func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python3")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	return path
}
