package bench

import (
	"os"
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/torch"
)

// python is an interpreter with the packages of third_party/pins/oracles.txt.
func python(t *testing.T) string {
	t.Helper()
	python := os.Getenv("GOPET_ORACLE_PYTHON")
	if python == "" {
		t.Skip("GOPET_ORACLE_PYTHON is not set: bash third_party/fetch.sh python-oracles sets such a Python up")
	}
	return python
}

var everyMethod = []string{
	"full", "bitfit", "prompt:length=3", "lora:rank=2", "lora:all-linear:alpha=4", "adapter:bottleneck=5",
	"apet-discrete:5%", "apet-adjacent:120",
}

// Run itself compares the losses; what is tuned must be as much too.
func TestPeersTrainTheSame(t *testing.T) {
	for name, model := range map[string]func(*testing.T) string{"bert": tinyModel, "t5": tinyT5} {
		t.Run(name, func(t *testing.T) {
			o := tiny(t, everyMethod...)
			o.Python, o.Peers, o.Model = python(t), true, model(t)
			checkPeers(t, o)
		})
	}
}

func TestPeersTrainTheSameInBFloat16(t *testing.T) {
	o := tiny(t, everyMethod...)
	o.Python, o.Peers, o.DType = python(t), true, torch.BFloat16
	checkPeers(t, o)
}

// PyTorch compiles with a C++ compiler, which must be there.
func TestCompiledPeersTrainTheSame(t *testing.T) {
	o := tiny(t, "lora:rank=2")
	o.Python, o.Peers, o.Compile = python(t), true, true
	report, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last := report.Losses[len(report.Losses)-1]; len(report.Losses) != 3 || last.Peer != "peft lora:rank=2, compiled" {
		t.Errorf("losses %+v", report.Losses)
	}
}

// Of real rows, peers get the same padded, and grouped by length besides.
func TestPeersTrainOnTheSameRows(t *testing.T) {
	o := tiny(t, "lora:all-linear:rank=2")
	o.Python, o.Peers = python(t), true
	o.Data, o.Task, o.Text, o.Label, o.Length = importRows(t, 40), "classify", []string{"text"}, "kind", 12
	o.Rows, o.Steps = 8, 5
	report := checkPeers(t, o)
	names := []string{}
	for _, peer := range report.Peers {
		names = append(names, peer.Method)
	}
	want := []string{"PyTorch floor", "peft lora:all-linear:rank=2", "peft lora:all-linear:rank=2, grouped"}
	if !slices.Equal(names, want) {
		t.Errorf("peers %q, want %q", names, want)
	}
	floor := report.Peers[0]
	near(t, floor.TokensPerSecond/floor.SamplesPerSecond, report.Floor.TokensPerSecond/report.Floor.SamplesPerSecond)
	near(t, report.Speedups[2].Ratio, report.Results[0].SamplesPerSecond/report.Peers[2].SamplesPerSecond)
}

func checkPeers(t *testing.T, o Options) *Report {
	t.Helper()
	report, err := Run(t.Context(), o, nil)
	if err != nil {
		if report != nil {
			t.Logf("losses %+v", report.Losses)
		}
		t.Fatal(err)
	}
	if len(report.Losses) != 1+len(o.Methods) || report.Machine.Versions["peft"] == "" {
		t.Errorf("report %+v", report)
	}
	for i, l := range report.Losses[1:] {
		if first, last := l.Ours[0], l.Ours[firstSteps-1]; first == last {
			t.Errorf("%s: the loss stays at %g", l.Method, first)
		}
		ours, theirs := report.Results[i], report.Peers[1+i]
		if o.Data == "" && ours.Trainable != theirs.Trainable {
			t.Errorf("%s tunes %d, %s %d", ours.Method, ours.Trainable, theirs.Method, theirs.Trainable)
		}
	}
	return report
}
