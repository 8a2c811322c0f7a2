package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/train"
)

// embedTask is the --task that prints embeddings.
const embedTask = "embed"

func predictCommand() *cli.Command {
	flags := []cli.Flag{
		modelFlag(),
		&cli.StringFlag{Name: "adapter", Usage: "`DIR` of an adapter, such as RUN/adapter"},
		&cli.StringFlag{Name: "in", Usage: "`FILE` of JSON lines or text lines", DefaultText: "standard input"},
		&cli.BoolFlag{Name: "logits", Usage: "print logits too, in label order"},
		&cli.StringFlag{Name: "pool", Usage: "embed: cls or mean", Value: string(bert.PoolCLS)},
		maxLengthFlag(), maxTargetFlag(), numBeamsFlag(), dtypeFlag(),
	}
	flags = append(flags, taskFlags()...)
	return &cli.Command{
		Name:  "predict",
		Usage: "label or embed rows, one JSON object a line",
		Description: `Rows are JSON objects with the task's columns, one a line, or lines of text for a
task that reads one column; a line that begins with { or [ is taken for JSON. Empty lines are passed over. The task "embed" prints {"embedding":[...]}.

Example:
  echo '{"sentence": "a gripping film"}' | gopet predict --model all-MiniLM-L6-v2 --adapter runs/sst2/adapter`,
		Flags:  append(flags, deviceFlags()...),
		Before: needs("model"),
		Action: predictAction,
	}
}

func predictAction(c *cli.Context) error {
	// A read from a terminal or a pipe cannot be called back.
	defer context.AfterFunc(c.Context, func() {
		fmt.Fprintln(os.Stderr, "gopet: interrupted")
		os.Exit(exitFailure)
	})()
	in, place := io.Reader(os.Stdin), "standard input"
	if path := c.String("in"); path != "" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in, place = file, path
	}
	pooling, err := bert.ParsePooling(c.String("pool"))
	if err != nil {
		return usageError{err}
	}
	out := bufio.NewWriter(c.App.Writer)
	if c.String("task") == embedTask {
		err = embed(c, in, place, out, pooling)
	} else {
		err = predict(c, in, place, out)
	}
	// What was said before an error is wanted; of a broken output, once.
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return err
}

func predict(c *cli.Context, in io.Reader, place string, out *bufio.Writer) error {
	watch := newPreparingBar(c.App.ErrWriter)
	inference, err := openInference(c, nil, watch)
	watch.clear()
	if err != nil {
		return err
	}
	defer inference.Close()
	return eachRows(in, place, inference.Task.TextColumns(), func(rows []data.Row) error {
		predictions, err := inference.Predict(rows)
		if err != nil {
			return err
		}
		for _, p := range predictions {
			if !c.Bool("logits") {
				p.Logits = nil
			}
			if err := writeJSON(out, p); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

func embed(c *cli.Context, in io.Reader, place string, out *bufio.Writer, pooling bert.Pooling) error {
	// Embedding reads the columns of classify, without the label.
	tsk, err := train.FindTask(task.ClassifyName, c.StringSlice("text"), "")
	if err != nil {
		return usageError{err}
	}
	watch := newPreparingBar(c.App.ErrWriter)
	inference, err := train.Open(c.Context, train.Setup{
		Model: c.String("model"), Adapter: c.String("adapter"), Task: tsk, MaxLength: c.Int("max-length"),
		Device: c.String("device"), DType: c.String("dtype"), Threads: c.Int("threads"), Downloading: watch.downloading,
	})
	watch.clear()
	if err != nil {
		return err
	}
	defer inference.Close()
	return eachRows(in, place, tsk.TextColumns(), func(rows []data.Row) error {
		vectors, err := inference.Embed(rows, pooling)
		if err != nil {
			return err
		}
		for _, vector := range vectors {
			if err := writeJSON(out, map[string][]float32{"embedding": vector}); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// maxLine is the longest line of input, in bytes.
const maxLine = 64 << 20

// eachRows reads rows and calls f with some at a time: as many as there are
// without waiting for more, up to a batch's worth.
func eachRows(in io.Reader, place string, columns []string, f func([]data.Row) error) error {
	const most = 256
	reader := bufio.NewReaderSize(in, 1<<16)
	var rows []data.Row
	for number := int64(0); ; {
		line, err := readLine(reader)
		if number == 0 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: row %d: %w", place, number, err)
		}
		ended := err != nil
		if len(bytes.TrimSpace(line)) > 0 {
			row, err := parseRow(line, place, number, columns)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		number++
		if len(rows) > 0 && (ended || len(rows) == most || reader.Buffered() == 0) {
			if err := f(rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
		if ended {
			return nil
		}
	}
}

func readLine(reader *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := reader.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// parseRow reads a JSON object, or takes the line as the only column's text.
func parseRow(line []byte, place string, number int64, columns []string) (data.Row, error) {
	line = bytes.TrimRight(line, "\r\n")
	switch first := bytes.TrimSpace(line)[0]; {
	case first == '[':
		return data.Row{}, fmt.Errorf("%s: row %d: want a JSON object, not a list", place, number)
	case first != '{':
		if len(columns) > 1 {
			return data.Row{}, fmt.Errorf("%s: row %d: want a JSON object with the columns %q", place, number, columns)
		}
		return data.RowOf(place, number, map[string]any{columns[0]: string(line)})
	}
	if !utf8.Valid(line) { // the decoder would replace what is not
		return data.Row{}, fmt.Errorf("%s: row %d: not valid UTF-8", place, number)
	}
	values := map[string]any{}
	if err := json.Unmarshal(line, &values); err != nil {
		return data.Row{}, fmt.Errorf("%s: row %d: not a JSON object: %w", place, number, err)
	}
	for name := range values {
		keep := false
		for _, column := range columns {
			keep = keep || column == name
		}
		if !keep {
			delete(values, name)
		}
	}
	return data.RowOf(place, number, values)
}
