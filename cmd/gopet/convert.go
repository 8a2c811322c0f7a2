package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/models/convert"
	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/progress"
	"github.com/gopet-ml/gopet/train"
)

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:  "convert",
		Usage: "turn a checkpoint into safetensors",
		Description: `Reads what torch.save wrote (.bin, .pt; nothing in it is run) or safetensors, in one file or in
shards, and writes a new directory: safetensors, and the config.json and tokenizer files that lie
beside the old weights. Tensors that are one under several names are written once.

Example:
  gopet convert --in t5-small --out t5-small-bf16 --dtype bfloat16`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "in", Usage: "`DIR` of a Hugging Face checkpoint, its id on the Hub, or one file of weights"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to make"},
			&cli.StringFlag{Name: "dtype", Usage: "of floating tensors: " + strings.Join(convertTypes, ", "), Value: keepType},
			&cli.Int64Flag{Name: "shard-size", Usage: "`BYTES` of weights in a file, at most", Value: checkpoint.DefaultShardSize},
			jsonFlag(),
		},
		Before: needs("in", "out"),
		Action: convertAction,
	}
}

// keepType leaves every tensor its type.
const keepType = "keep"

var convertTypes = []string{keepType, "float32", "bfloat16", "float16"}

func convertType(name string) (checkpoint.DType, error) {
	switch name {
	case keepType:
		return "", nil
	case "float32":
		return checkpoint.Float32, nil
	case "bfloat16":
		return checkpoint.BFloat16, nil
	case "float16":
		return checkpoint.Float16, nil
	}
	return "", usageError{fmt.Errorf("convert: unknown dtype %q; %s", name, nearest.Hint(name, convertTypes))}
}

func convertAction(c *cli.Context) error {
	dtype, err := convertType(c.String("dtype"))
	if err != nil {
		return err
	}
	if c.Int64("shard-size") < 1 {
		return usageError{fmt.Errorf("convert: shard size %d: want 1 or more bytes", c.Int64("shard-size"))}
	}
	watch := newPreparingBar(c.App.ErrWriter)
	in, err := train.FindModel(c.Context, c.String("in"), watch.downloading)
	watch.clear()
	if err != nil {
		return err
	}
	var bar *progress.Bar
	result, err := convert.Run(c.Context, convert.Options{
		In: in, Out: c.String("out"), DType: dtype, ShardSize: c.Int64("shard-size"),
		Progress: func(done, total int) {
			if bar == nil {
				bar = progress.New(os.Stderr, "tensors", int64(total))
			}
			bar.Update(int64(done))
		},
	})
	if bar != nil {
		bar.Clear()
	}
	if err != nil {
		return err
	}
	for _, alias := range result.Tied {
		fmt.Fprintf(os.Stderr, "%s is the same tensor as %s and is written once, as that\n", alias.Name, alias.As)
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, result)
	}
	return printConversion(c.App.Writer, result)
}

func printConversion(w io.Writer, r *convert.Result) error {
	files := r.Files[0]
	if len(r.Files) > 1 {
		files = fmt.Sprintf("%s to %s, %s", r.Files[0], r.Files[len(r.Files)-2], r.Files[len(r.Files)-1])
	}
	pairs := [][2]string{
		{"tensors", fmt.Sprintf("%s of %s values, %s", format.Count(int64(r.Tensors)), format.Count(r.Parameters), format.Bytes(r.Bytes))},
		{"weights", files},
	}
	if len(r.Copied) > 0 {
		pairs = append(pairs, [2]string{"copied", strings.Join(r.Copied, ", ")})
	}
	return printPairs(w, append(pairs, [2]string{"in", r.Out})...)
}
