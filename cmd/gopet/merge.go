package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/train"
)

func mergeCommand() *cli.Command {
	flags := []cli.Flag{
		modelFlag(),
		&cli.StringFlag{Name: "adapter", Usage: "`DIR` of an adapter, such as RUN/adapter"},
		&cli.StringFlag{Name: "out", Usage: "`DIR` to make"},
		jsonFlag(),
	}
	return &cli.Command{
		Name:  "merge",
		Usage: "write a plain Hugging Face model with an adapter folded in",
		Description: `The result needs neither gopet nor the adapter. Methods that add to the model
(prompt, adapter, BitFit on a model without biases) cannot be folded in.

Example:
  gopet merge --model all-MiniLM-L6-v2 --adapter runs/rte/adapter --out merged`,
		Flags:  append(flags, deviceFlags()...),
		Before: needs("model", "adapter", "out"),
		Action: mergeAction,
	}
}

func mergeAction(c *cli.Context) error {
	watch := newPreparingBar(c.App.ErrWriter)
	defer watch.clear()
	merged, err := train.Merge(c.Context, train.MergeOptions{
		Model: c.String("model"), Adapter: c.String("adapter"), Out: c.String("out"),
		Device: c.String("device"), Threads: c.Int("threads"), Downloading: watch.downloading,
	})
	watch.clear()
	if err != nil {
		return err
	}
	for _, remark := range merged.Remarks {
		fmt.Fprintln(c.App.ErrWriter, "note: "+remark)
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, merged)
	}
	remark := "the base can be had back bit for bit"
	if !merged.Exact {
		remark = "the base cannot be had back from it bit for bit"
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s merged into %s, in %s; %s\n", merged.Method, merged.Base, merged.Out, remark)
	return err
}
