package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/pet/peft"
	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/train"
)

func importAdapterCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "adapter", Usage: "`DIR` of an adapter of another library"},
		modelFlag(),
		&cli.StringFlag{Name: "out", Usage: "`DIR` to make"},
		&cli.StringSliceFlag{Name: "labels", Usage: "`NAME`,NAME... of the head's rows in order, for classify",
			DefaultText: "those of an export or of the model, else LABEL_0,LABEL_1..."},
		&cli.IntFlag{Name: "max-length", Usage: "`N` tokens a row had", DefaultText: "not kept"},
		&cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16, of the model that the adapter is for", Value: "float32"},
		jsonFlag(),
	}
	return &cli.Command{
		Name:  "import",
		Usage: "read an adapter of another library",
		Description: `Reads Hugging Face PEFT's LORA, PROMPT_TUNING and SHIRA, bottlenecks of the adapters package, and
the safetensors of biases that gopet export writes. The result is bound to the model and serves
gopet eval, gopet predict and gopet train --adapter. What gopet has no equal of is refused by its name.

Example:
  gopet import --adapter rte-peft --model all-MiniLM-L6-v2 --task rte --out rte-adapter`,
		Flags:  append(flags, taskFlags()...),
		Before: needs("adapter", "model", "out"),
		Action: importAdapterAction,
	}
}

func importAdapterAction(c *cli.Context) error {
	o := peft.ImportOptions{
		Adapter: c.String("adapter"), Model: c.String("model"), Out: c.String("out"),
		DType: c.String("dtype"), MaxLength: c.Int("max-length"),
	}
	if o.MaxLength < 0 {
		return usageError{fmt.Errorf("import: max-length %d: want 0 or more tokens", o.MaxLength)}
	}
	if c.IsSet("labels") {
		o.Labels = c.StringSlice("labels")
	}
	if err := nameTask(c, &o); err != nil {
		return err
	}
	watch := newPreparingBar(c.App.ErrWriter)
	o.Progress = func(done, total int64) { watch.downloading(o.Model, done, total) }
	imported, err := peft.Import(c.Context, o)
	watch.clear()
	if err != nil {
		return err
	}
	printRemarks(imported.Remarks)
	if c.Bool("json") {
		return writeJSON(c.App.Writer, imported)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s of %s read as %s, %s parameters, in %s\n",
		imported.Kind, imported.Format, imported.Method, format.Count(imported.Count), imported.Out)
	return err
}

// nameTask says what the adapter is for.
func nameTask(c *cli.Context, o *peft.ImportOptions) error {
	if !c.IsSet("task") {
		if c.IsSet("text") || c.IsSet("label") {
			return usageError{errors.New("import: --text and --label are for --task classify")}
		}
		return nil
	}
	task, err := train.FindTask(c.String("task"), c.StringSlice("text"), c.String("label"))
	if err != nil {
		return err
	}
	o.Task, o.Text, o.Label = task.Name, task.TextColumns(), task.LabelColumn
	if len(task.Labels) == 0 {
		return nil
	}
	if o.Labels != nil {
		return usageError{fmt.Errorf("import: task %s has labels of its own, %q: leave --labels out", task.Name, task.Labels)}
	}
	o.Labels = task.Labels
	return nil
}
