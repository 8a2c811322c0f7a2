package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// tiny is a short measurement of a model of two layers.
func tiny() Options {
	o := DefaultOptions()
	o.Model, o.K, o.Rows, o.Length, o.Steps, o.WarmUp, o.Threads = "../testdata/tiny", 200, 3, 8, 5, 1, 1
	return o
}

func TestRunMeasuresEveryMethod(t *testing.T) {
	o := tiny()
	turns := 0
	report, err := Run(t.Context(), o, func(turn, of int) {
		if turns++; turn != turns || of != o.WarmUp+o.Steps {
			t.Errorf("told of turn %d of %d after %d", turn, of, turns-1)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if turns != o.WarmUp+o.Steps {
		t.Errorf("told of %d turns", turns)
	}
	if f := report.Floor; f.FloorRatio != 1 || f.FloorInterval != [2]float64{1, 1} || f.StepSeconds <= 0 {
		t.Errorf("floor %+v", f)
	}
	tuned := map[string]int64{"full": 5748, "apet-discrete": 200, "apet-adjacent": 200}
	for i, r := range report.Results {
		if r.Method != o.Methods[i] || r.Trainable != tuned[r.Method] {
			t.Errorf("result %d: %+v", i, r)
		}
		if !(r.FloorInterval[0] <= r.FloorRatio && r.FloorRatio <= r.FloorInterval[1]) {
			t.Errorf("%s: ratio %g outside its interval %g", r.Method, r.FloorRatio, r.FloorInterval)
		}
		near(t, r.SamplesPerSecond*r.StepSeconds, 3)
		near(t, r.TokensPerSecond*r.StepSeconds, 24)
	}
	if len(report.Results) != 3 || len(report.Peers) != 0 || report.Machine.Shape != "3x8" {
		t.Errorf("report %+v", report)
	}
}

func TestRunRefuses(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"no such model directory":    func(o *Options) { o.Model = "nowhere" },
		`unknown method "apet"`:      func(o *Options) { o.Methods = []string{"full", "apet"} },
		"number of eligible entries": func(o *Options) { o.K = 1 << 40 },
		"reads at most 24":           func(o *Options) { o.Length = 25 },
		"PyTorch":                    func(o *Options) { o.Python = "/nowhere/python3" },
		"it ended early":             func(o *Options) { o.Python = "/bin/true" },
	} {
		torchtest.NoLeaks(t)
		o := tiny()
		change(&o)
		if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestRunStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Run(ctx, tiny(), func(int, int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestPeerTakesTurns has a stand-in for PyTorch answer every step.
func TestPeerTakesTurns(t *testing.T) {
	o := tiny()
	o.Python, o.Methods = script(t, "while read -r line; do echo 0.25; done"), nil
	report, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Peers) != 1 || report.Peers[0].StepSeconds != 0.25 || report.Peers[0].SamplesPerSecond != 12 {
		t.Errorf("peers %+v", report.Peers)
	}
}

func TestPeerThatFailsTellsItsLastLine(t *testing.T) {
	torchtest.NoLeaks(t)
	o := tiny()
	o.Python = script(t, "read -r line; echo Traceback >&2; echo 'ModuleNotFoundError: no transformers' >&2; exit 1")
	if _, err := Run(t.Context(), o, nil); err == nil || err.Error() != "PyTorch's floor: it ended early: ModuleNotFoundError: no transformers" {
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

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{5, 1, 100}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		near(t, median(test.values), test.want)
	}
}

// The interval of a median of 30 is that between the 10th and the 21st.
func TestMedianRatioAndItsInterval(t *testing.T) {
	a, b := make([]float64, 30), make([]float64, 30)
	for i := range a {
		b[i] = float64(1 + i%4)
		a[i] = b[i] * float64(30-i) // ratios 1 to 30, whatever the pairs
	}
	ratio, interval := medianRatio(a, b)
	near(t, ratio, 15.5)
	near(t, interval[0], 10)
	near(t, interval[1], 21)

	ratio, interval = medianRatio([]float64{6}, []float64{3})
	near(t, ratio, 2)
	near(t, interval[0], 2)
	near(t, interval[1], 2)
}

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%g, want %g", got, want)
	}
}
