package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/pet/peft"
)

func exportAdapterCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write an adapter for another library",
		Description: `Formats:
  peft      Hugging Face PEFT: lora as LORA, prompt as PROMPT_TUNING, masks of APET as SHIRA
  adapters  the adapters package: adapter as a bottleneck
  bitfit    a safetensors file of biases: bitfit
The model computes the same there. What a format cannot hold is refused by its name.

Example:
  gopet export --adapter runs/rte/adapter --format peft --out rte-peft`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "adapter", Usage: "`DIR` of an adapter, such as RUN/adapter"},
			&cli.StringFlag{Name: "model", Usage: "`DIR` of its base, or its id on the Hub", DefaultText: "the one that the adapter names"},
			&cli.StringFlag{Name: "format", Usage: strings.Join(peft.Formats(), ", "), DefaultText: "the one for its method"},
			&cli.BoolFlag{Name: "pooler", Usage: "peft: add a pooler that lets the first token pass, for a BERT classifier that has none"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to make"},
			jsonFlag(),
		},
		Before: needs("adapter", "out"),
		Action: exportAdapterAction,
	}
}

func exportAdapterAction(c *cli.Context) error {
	format := c.String("format")
	if c.IsSet("format") && !slices.Contains(peft.Formats(), format) {
		return usageError{fmt.Errorf("export: unknown format %q; %s", format, nearest.Hint(format, peft.Formats()))}
	}
	watch := newPreparingBar(c.App.ErrWriter)
	exported, err := peft.Export(c.Context, peft.ExportOptions{
		Adapter: c.String("adapter"), Model: c.String("model"), Format: format, Out: c.String("out"), Pooler: c.Bool("pooler"),
		Progress: func(done, total int64) { watch.downloading(c.String("model"), done, total) },
	})
	watch.clear()
	if err != nil {
		return err
	}
	printRemarks(exported.Remarks)
	if c.Bool("json") {
		return writeJSON(c.App.Writer, exported)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s written as %s of %s, in %s\n", exported.Method, exported.Kind, exported.Format, exported.Out)
	return err
}

// printRemarks tells what to know of a conversion.
func printRemarks(remarks []string) {
	for _, remark := range remarks {
		fmt.Fprintln(os.Stderr, "note: "+remark)
	}
}
