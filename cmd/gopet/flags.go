package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/train"
)

// Flags that several commands share, with one meaning.

func modelFlag() cli.Flag {
	return &cli.StringFlag{Name: "model", Usage: "`DIR` of a Hugging Face checkpoint"}
}

func dataFlag() cli.Flag {
	return &cli.StringFlag{Name: "data", Usage: "`DIR` or glob of Parquet shards"}
}

func taskFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "task", Usage: "`NAME` of a task, such as sst2, or classify"},
		&cli.StringSliceFlag{Name: "text", Usage: "`COLUMN`[,COLUMN] to read, for classify", DefaultText: "text"},
		&cli.StringFlag{Name: "label", Usage: "`COLUMN` of labels, for classify", DefaultText: "label"},
	}
}

// maxLengthFlag and dtypeFlag have no default of their own: an adapter knows
// what it was tuned with.

func maxLengthFlag() cli.Flag {
	return &cli.IntFlag{
		Name: "max-length", Usage: "`N` tokens a row",
		DefaultText: fmt.Sprintf("the adapter's, else %d or what the model reads", train.DefaultMaxLength),
	}
}

func dtypeFlag() cli.Flag {
	return &cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", DefaultText: "the adapter's, else float32"}
}

func deviceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Usage: "auto, cpu or cuda[:N]", Value: train.DefaultConfig().Device},
		&cli.IntFlag{Name: "threads", Usage: "`N` threads an operation may use", DefaultText: "one a core"},
	}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the result as one JSON object"}
}

// writeJSON prints v as one line.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
