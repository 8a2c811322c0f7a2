// Command tune tunes a BERT as a classifier of texts and shows how it goes.
//
//	tune -model all-MiniLM-L6-v2 -data data/topics -out runs/topics
//
// The data has a column text and a column label. Without -model and -data it
// makes a tiny random BERT and a small data set, so that it runs as it is.
// Ctrl-C saves the run; the same command with -resume goes on with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/gopet-ml/gopet/examples/internal/tiny"
	"github.com/gopet-ml/gopet/train"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := tune(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tune:", err)
		os.Exit(1)
	}
}

func tune(ctx context.Context, args []string, out io.Writer) error {
	config := train.DefaultConfig()
	config.Task, config.Text, config.Label = "classify", []string{"text"}, "label"
	flags := flag.NewFlagSet("tune", flag.ContinueOnError)
	flags.StringVar(&config.Model, "model", "", "directory of a Hugging Face BERT")
	flags.StringVar(&config.Data, "data", "", "directory of Parquet shards")
	flags.StringVar(&config.Out, "out", "run", "directory that the run makes")
	flags.StringVar(&config.Method, "method", config.Method, "tuning method")
	flags.Int64Var(&config.K, "k", 2000, "entries to tune")
	flags.IntVar(&config.Epochs, "epochs", 5, "times to go through the data")
	flags.IntVar(&config.Batch, "batch", 8, "rows a step")
	flags.IntVar(&config.Threads, "threads", 0, "threads to compute with; 0: one a core")
	resume := flags.Bool("resume", false, "go on with the interrupted run in -out")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if config.Model == "" && config.Data == "" && !*resume {
		if err := useTiny(&config); err != nil {
			return err
		}
	}
	result, err := run(ctx, config, *resume, progress{out})
	if errors.Is(err, context.Canceled) && result != nil {
		fmt.Fprintf(out, "interrupted at step %d; -out %s -resume goes on\n", result.Steps, config.Out)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "best at step %d; test accuracy %.3f; adapter in %s\n",
		result.Best.Step, result.Test["accuracy"], filepath.Join(config.Out, "adapter"))
	return nil
}

func run(ctx context.Context, config train.Config, resume bool, observer train.Observer) (*train.Result, error) {
	if resume {
		return train.Resume(ctx, config.Out, observer)
	}
	return train.Run(ctx, config, observer)
}

// useTiny makes a model and data beside the run.
func useTiny(config *train.Config) error {
	config.Model, config.Data = config.Out+"-model", config.Out+"-data"
	if err := os.MkdirAll(config.Model, 0o777); err != nil {
		return err
	}
	if err := tiny.Model(config.Model, 1); err != nil {
		return err
	}
	if _, err := os.Stat(config.Data); err == nil {
		return nil
	}
	return tiny.Shards(config.Data)
}
