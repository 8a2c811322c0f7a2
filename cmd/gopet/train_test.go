package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFromTableToPrediction is the way of a new user: import, train, eval,
// predict, compare.
func TestFromTableToPrediction(t *testing.T) {
	model, data, run := model(t, encoder), dataset(t), filepath.Join(t.TempDir(), "runs", "first")
	result := decode(t, mustGopet(t, "", trainArgs(model, data, run, "--steps", "12", "--max-length", "10", "--json")...))
	hasKeys(t, result, "model", "task", "method", "trainable", "steps", "best", "test", "train_seconds", "samples_per_second", "peak_memory_bytes", "status")
	if result["status"] != "finished" || result["task"] != "classify" || result["method"] != "apet-discrete" {
		t.Errorf("result %v", result)
	}
	trainable := result["trainable"].(map[string]any)
	if trainable["method"] != 100.0 || trainable["head"].(float64) <= 0 {
		t.Errorf("trainable %v", trainable)
	}

	adapter := filepath.Join(run, "adapter")
	scores := decode(t, mustGopet(t, "", "eval", "--model", model, "--adapter", adapter, "--data", data, "--threads", "1", "--json"))
	hasKeys(t, scores, "split", "rows", "accuracy", "macro_f1", "random_guess")
	for name, value := range result["test"].(map[string]any) {
		if scores[name] != value {
			t.Errorf("%s is %v in eval, %v in the run's result", name, scores[name], value)
		}
	}

	prediction := decode(t, mustGopet(t, `{"text": "red red"}`+"\n", "predict", "--model", model, "--adapter", adapter))
	if scores := prediction["scores"].(map[string]any); len(scores) != 3 || scores[prediction["label"].(string)] == nil {
		t.Errorf("prediction %v", prediction)
	}

	for _, text := range []string{
		mustGopet(t, "", "compare", run),
		mustGopet(t, "", "eval", "--model", model, "--adapter", adapter, "--data", data, "--split", "validation"),
	} {
		if strings.Count(text, "\n") < 2 {
			t.Errorf("%q is no table", text)
		}
	}
	refuses(t, exitFailure, trainArgs(model, data, run), "already holds a run", "--resume")
	refuses(t, exitFailure, []string{"train", "--resume", "--out", run}, "has finished")
}

func TestTrainPrintsATable(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	o := gopet(t, "", trainArgs(model(t, encoder), dataset(t), run)...)
	if o.code != 0 {
		t.Fatal(o.errors)
	}
	for _, want := range []string{"apet-discrete", "head alone", "untuned", "accuracy", "random guess", "samples/s", "peak memory", filepath.Join(run, "adapter"), "precision"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("no %q in\n%s", want, o.out)
		}
	}
	if strings.ContainsAny(o.errors, "\r\x1b") {
		t.Errorf("a progress bar in a file: %q", o.errors)
	}
}

func TestInterruptedTrainingSaysHowToGoOn(t *testing.T) {
	model, data, run := model(t, encoder), dataset(t), filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for t.Context().Err() == nil {
			if text, err := os.ReadFile(filepath.Join(run, "metrics.jsonl")); err == nil && len(text) > 0 {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	o := gopetContext(t, ctx, "", trainArgs(model, data, run, "--steps", "100000", "--eval-every", "3", "--baselines=false")...)
	last := o.errors[strings.LastIndex(strings.TrimSpace(o.errors), "\n")+1:]
	if o.code != exitFailure || !strings.HasPrefix(last, "gopet: interrupted at step ") || !strings.HasSuffix(last, "go on with: gopet train --resume --out "+run+"\n") {
		t.Fatalf("exit %d, %q", o.code, last)
	}
	again, cancelAgain := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancelAgain()
	o = gopetContext(t, again, "", "train", "--resume", "--out", run)
	if o.code != exitFailure {
		t.Errorf("exit %d: %s", o.code, o.errors)
	}
}
