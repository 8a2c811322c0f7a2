// Inputbench reads a training split as a run does, shuffled into batches of
// packed tokens, again and again until it has read as many rows as asked for.
// It prints how far it is at evenly spaced points, a line of JSON each:
// scripts/bench_input.sh compares that with Hugging Face's datasets.
//
// usage: inputbench -data DIR -task NAME -model DIR -rows N [-points N]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/data/tokenizer"
)

func main() {
	dataDir := flag.String("data", "", "`DIR` of Parquet shards")
	taskName := flag.String("task", "", "`NAME` of a task with labels")
	model := flag.String("model", "", "`DIR` with a tokenizer")
	rows := flag.Int64("rows", 1<<18, "how many rows to read")
	points := flag.Int64("points", 1, "how many lines to print")
	flag.Parse()
	if err := run(context.Background(), *dataDir, *taskName, *model, *rows, *points); err != nil {
		fmt.Fprintln(os.Stderr, "inputbench:", err)
		os.Exit(1)
	}
}

// maxLength and batchRows are a run's, unless told otherwise.
const (
	maxLength = 128
	batchRows = 32
)

func run(ctx context.Context, dataDir, taskName, model string, rows, points int64) error {
	options, err := open(ctx, dataDir, taskName, model)
	if err != nil {
		return err
	}
	start := time.Now()
	reader, err := batch.NewReader(ctx, options, batch.State{})
	if err != nil {
		return err
	}
	defer reader.Close()
	var at point
	for next := int64(1); next <= points; {
		b, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		at.Rows += int64(b.Rows)
		at.Tokens += b.Tokens
		if at.Rows < rows*next/points {
			continue
		}
		at.Seconds = time.Since(start).Seconds()
		if at.Resident, at.Peak, err = memory(); err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(at); err != nil {
			return err
		}
		next++
	}
	return nil
}

// open prepares the reader of a run.
func open(ctx context.Context, dataDir, taskName, model string) (batch.Options, error) {
	dataset, err := data.Open(dataDir)
	if err != nil {
		return batch.Options{}, err
	}
	described, err := task.Lookup(taskName)
	if err != nil {
		return batch.Options{}, err
	}
	if described, err = described.Bind(ctx, dataset); err != nil {
		return batch.Options{}, err
	}
	split, err := data.FindSplit(dataset, data.Train)
	if err != nil {
		return batch.Options{}, err
	}
	tok, err := tokenizer.Load(model)
	if err != nil {
		return batch.Options{}, err
	}
	encode := func(first, second string) (ids, types []int32) {
		e := tok.EncodePair(first, second, maxLength)
		return e.IDs, e.Types
	}
	return batch.Options{Split: split, Columns: described.Columns(), Encode: batch.ForHead(described, encode), Rows: batchRows}, nil
}

// point is how far the reading is.
type point struct {
	Rows     int64   `json:"rows"`
	Tokens   int64   `json:"tokens"`
	Seconds  float64 `json:"seconds"`
	Resident int64   `json:"resident"` // bytes of the process, now
	Peak     int64   `json:"peak"`     // and at most so far
}

// memory returns the resident memory of the process and its high-water mark,
// in bytes.
func memory() (resident, peak int64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			resident = 1024 * kilobytes
		case "VmHWM":
			peak = 1024 * kilobytes
		}
	}
	if resident == 0 || peak == 0 {
		return 0, 0, errors.New("/proc/self/status does not tell the memory")
	}
	return resident, peak, nil
}
