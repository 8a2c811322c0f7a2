// Command extend adds to gopet from outside: a task, a row source and a tuning
// method, each registered by the init function of its file. It then tunes with
// all three.
//
//	extend -model all-MiniLM-L6-v2 -data notes:notes -out runs/notes
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gopet-ml/gopet/train"
)

func main() {
	if err := extend(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "extend:", err)
		os.Exit(1)
	}
}

func extend(ctx context.Context, args []string, out io.Writer) error {
	config := train.DefaultConfig()
	config.Task, config.Method = topicTask, layerNorm{}.Name()
	flags := flag.NewFlagSet("extend", flag.ContinueOnError)
	flags.StringVar(&config.Model, "model", "", "directory of a Hugging Face BERT")
	flags.StringVar(&config.Data, "data", "", "notes: and a directory of train.txt, validation.txt, test.txt")
	flags.StringVar(&config.Out, "out", "", "directory that the run makes")
	flags.IntVar(&config.Epochs, "epochs", 5, "times to go through the data")
	flags.IntVar(&config.Batch, "batch", 8, "rows a step")
	flags.IntVar(&config.Threads, "threads", 0, "threads to compute with; 0: one a core")
	if err := flags.Parse(args); err != nil {
		return err
	}
	result, err := train.Run(ctx, config, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d parameters of layer norms tuned, test accuracy %.3f\n", result.Trainable.Method, result.Test["accuracy"])
	return nil
}
