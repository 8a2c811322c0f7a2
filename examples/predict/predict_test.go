package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/examples/internal/tiny"
	"github.com/gopet-ml/gopet/train"
)

func TestPredict(t *testing.T) {
	config := train.DefaultConfig()
	config.Model, config.Data = t.TempDir(), filepath.Join(t.TempDir(), "data")
	config.Out = filepath.Join(t.TempDir(), "run")
	config.Task, config.Text, config.Label = "classify", []string{"text"}, "label"
	config.K, config.Epochs, config.Batch, config.Threads, config.Device = 2000, 5, 8, 1, "cpu"
	if err := tiny.Model(config.Model, 1); err != nil {
		t.Fatal(err)
	}
	if err := tiny.Shards(config.Data); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Run(context.Background(), config, nil); err != nil {
		t.Fatal(err)
	}

	rows := tiny.Rows(50, 9)
	var in, out strings.Builder
	for _, row := range rows {
		fmt.Fprintln(&in, row.Text)
	}
	args := []string{"-model", config.Model, "-adapter", filepath.Join(config.Out, "adapter")}
	if err := predict(context.Background(), args, strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	predicted := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(predicted) != len(rows) {
		t.Fatalf("%d predictions for %d lines", len(predicted), len(rows))
	}
	right := 0
	for i, line := range predicted {
		if strings.HasPrefix(line, rows[i].Label+"\t") {
			right++
		}
	}
	if right < 45 {
		t.Errorf("%d of 50 predictions are right:\n%s", right, &out)
	}
}

func TestPredictSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	err := predict(context.Background(), []string{"-adapter", dir}, strings.NewReader(""), nil)
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("an empty adapter directory gives %v", err)
	}
}
