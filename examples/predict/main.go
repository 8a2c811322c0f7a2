// Command predict classifies each line of standard input with a tuned adapter.
//
//	echo "a storm with rain" | predict -model all-MiniLM-L6-v2 -adapter runs/topics/adapter
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/train"
)

func main() {
	if err := predict(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "predict:", err)
		os.Exit(1)
	}
}

func predict(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("predict", flag.ContinueOnError)
	model := flags.String("model", "", "directory of the model that was tuned")
	adapter := flags.String("adapter", "", "directory of the adapter")
	if err := flags.Parse(args); err != nil {
		return err
	}
	inference, err := open(ctx, *model, *adapter)
	if err != nil {
		return err
	}
	defer inference.Close()
	rows, err := readRows(in, inference.Task.TextColumns()[0])
	if err != nil {
		return err
	}
	predictions, err := inference.Predict(rows)
	if err != nil {
		return err
	}
	for _, p := range predictions {
		fmt.Fprintf(out, "%s\t%.3f\n", p.Label, p.Scores[p.Label])
	}
	return nil
}

// open loads the model and the adapter, which knows its task and labels.
func open(ctx context.Context, model, adapter string) (*train.Inference, error) {
	config, err := pet.ReadAdapterConfig(adapter)
	if err != nil {
		return nil, err
	}
	task, err := train.FindTask(config.Task, config.Text, config.Label)
	if err != nil {
		return nil, err
	}
	if len(task.TextColumns()) != 1 {
		return nil, fmt.Errorf("task %q reads pairs of texts, not lines", task.Name)
	}
	return train.Open(ctx, train.Setup{Model: model, Adapter: adapter, Task: task, Device: "cpu", DType: "float32"})
}

// readRows makes a row with one column of every line.
func readRows(in io.Reader, column string) ([]data.Row, error) {
	var rows []data.Row
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		row, err := data.RowOf("standard input", int64(len(rows)), map[string]any{column: lines.Text()})
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, lines.Err()
}
