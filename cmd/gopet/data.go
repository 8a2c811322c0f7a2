package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/hub"
	"github.com/gopet-ml/gopet/data/importer"
	"github.com/gopet-ml/gopet/report/progress"
)

func dataCommand() *cli.Command {
	return &cli.Command{
		Name:        "data",
		Usage:       "make and look into data sets",
		Subcommands: []*cli.Command{importCommand(), inspectCommand()},
	}
}

func importCommand() *cli.Command {
	return &cli.Command{
		Name:  "import",
		Usage: "turn tables in text files into Parquet shards",
		Description: `Reads TSV, CSV, JSON lines, text and Orange .tab files and writes SPLIT-*.parquet, as
the Hugging Face Hub lays out data sets.

Example:
  gopet data import --train train.csv --test test.csv --label topic --validation 0.1 --out data/topics`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "train", Usage: "`FILE`[,FILE] of the train split"},
			&cli.StringSliceFlag{Name: "validation-file", Usage: "`FILE`[,FILE] of the validation split"},
			&cli.StringSliceFlag{Name: "test", Usage: "`FILE`[,FILE] of the test split"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to make"},
			&cli.StringFlag{Name: "format", Usage: "auto, " + formatNames(), Value: autoFormat},
			&cli.StringFlag{Name: "label", Usage: "`COLUMN` of labels", DefaultText: "the class column of a .tab file"},
			&cli.Float64Flag{Name: "validation", Usage: "cut this `SHARE` of the training rows, of every class alike, into a validation split"},
			&cli.Int64Flag{Name: "seed", Usage: "`S` of that cut"},
			jsonFlag(),
		},
		Before: needs("out"),
		Action: importAction,
	}
}

// autoFormat goes by each file's extension.
const autoFormat = "auto"

func formatNames() string {
	var names []string
	for _, format := range importer.Formats {
		names = append(names, string(format))
	}
	return strings.Join(names, ", ")
}

func importAction(c *cli.Context) error {
	inputs := map[string][]string{}
	for split, flag := range map[string]string{data.Train: "train", data.Validation: "validation-file", data.Test: "test"} {
		if files := c.StringSlice(flag); len(files) > 0 {
			inputs[split] = files
		}
	}
	if len(inputs) == 0 {
		return usageError{fmt.Errorf("import: no input: give files with --train, --validation-file or --test")}
	}
	format := importer.Format(c.String("format"))
	if format == autoFormat {
		format = importer.FormatAuto
	} else if !slices.Contains(importer.Formats, format) {
		return usageError{fmt.Errorf("import: format %q: want auto, %s", format, formatNames())}
	}
	summary, err := importer.Import(c.Context, importer.Options{
		Inputs: inputs, Out: c.String("out"), Format: format, Label: c.String("label"),
		Validation: c.Float64("validation"), Seed: c.Int64("seed"),
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, summary)
	}
	return printImport(c.App.Writer, summary)
}

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "show splits, columns, labels and samples",
		ArgsUsage: "DIR|GLOB|HUB-ID",
		Description: `Example:
  gopet data inspect data/topics
  gopet data inspect nyu-mll/glue:rte`,
		Flags:  []cli.Flag{jsonFlag()},
		Action: inspectAction,
	}
}

func inspectAction(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usageError{fmt.Errorf("inspect: want one directory, not %q (flags come first)", strings.Join(c.Args().Slice(), " "))}
	}
	name, bar := c.Args().First(), progress.NewDownload(c.App.ErrWriter, c.Args().First())
	dir, err := hub.Data(c.Context, name, hub.Options{Progress: bar.Update})
	bar.Finish()
	if err != nil {
		return err
	}
	report, err := data.Inspect(c.Context, dir)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, report)
	}
	return printInspection(c.App.Writer, report)
}
