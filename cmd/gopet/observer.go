package main

import (
	"fmt"
	"io"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/progress"
	"github.com/gopet-ml/gopet/train"
)

// trainObserver shows a run on standard error: a bar over the steps, a line
// an evaluation.
type trainObserver struct {
	out        io.Writer
	start      train.Start
	preparing  *preparingBar // over what comes before the steps
	bar        *progress.Bar // over the steps
	evaluation *progress.Bar // over the rows of a split; nil when none is being scored
	measured   string        // the part of the baselines that is being measured
	measuring  *progress.Bar // over it; nil when none is
	loss       float64       // smoothed
	score      string        // the last validation
	value      float64
}

func newTrainObserver(out io.Writer) *trainObserver {
	return &trainObserver{out: out, preparing: newPreparingBar(out)}
}

func (o *trainObserver) Downloading(name string, done, total int64) {
	o.preparing.downloading(name, done, total)
}

func (o *trainObserver) Started(s train.Start) {
	o.preparing.clear()
	o.start = s
	for _, warning := range s.Warnings {
		fmt.Fprintln(o.out, "warning: "+warning)
	}
	share := float64(s.Trainable.Method) / float64(s.BaseSize)
	fmt.Fprintf(o.out, "%s: %s of %s parameters (%s)%s, %s steps at lr %.2g on %s\n",
		s.Config.Method, format.Count(s.Trainable.Method), format.Count(s.BaseSize), format.Percent(share, 2),
		andHead(s.Trainable), format.Count(int64(s.Steps)), s.LR, s.Device)
	o.bar = progress.New(o.out, "tuning", int64(s.Steps))
	o.bar.Update(int64(s.From))
}

// andHead tells of the trained head, if there is one.
func andHead(t train.Trainable) string {
	if t.Head == 0 {
		return ""
	}
	return " and a head of " + format.Count(t.Head)
}

func (o *trainObserver) Stepped(s train.Step) {
	const smoothing = 0.9
	if o.loss == 0 {
		o.loss = s.Loss
	}
	o.loss = smoothing*o.loss + (1-smoothing)*s.Loss
	fields := []progress.Field{progress.Loss(o.loss)}
	if o.score != "" {
		fields = append(fields, progress.Share(o.score, o.value))
	}
	o.bar.Update(int64(s.Step), append(fields, progress.Rate(s.SamplesPerSecond, "samples"))...)
}

func (o *trainObserver) Evaluating(split string, done, total int64) {
	if o.evaluation == nil {
		if split == data.Test {
			o.bar.Finish()
		}
		o.evaluation = o.bar.Nested("scoring "+split, total)
	}
	o.evaluation.Update(done)
}

func (o *trainObserver) Evaluated(e train.Evaluation) {
	if o.evaluation != nil {
		o.evaluation.Clear()
		o.evaluation = nil
	}
	line := fmt.Sprintf("step %s: %s", format.Count(int64(e.Step)), e.Split)
	metric := o.start.Config.SelectMetric
	if value, err := e.Scores.Value(metric); err == nil {
		line += fmt.Sprintf(" %s %s", metric, format.Percent(value, 2))
		if e.Split == data.Validation {
			o.score, o.value = metric, value
		}
	}
	line += fmt.Sprintf(", loss %.4f", e.Scores.Loss)
	if e.Best {
		line += ", the best so far"
	}
	if e.Split == data.Test {
		fmt.Fprintln(o.out, line)
		return
	}
	o.bar.Println(line)
}

func (o *trainObserver) Measuring(what string, done, total int64) {
	if o.measured != what {
		o.clearMeasuring()
		o.bar.Finish()
		o.measuring, o.measured = o.bar.Nested(what, total), what
	}
	o.measuring.Update(done)
}

func (o *trainObserver) clearMeasuring() {
	if o.measuring != nil {
		o.measuring.Clear()
	}
}

// close ends the bar's line, however the run ended.
func (o *trainObserver) close() {
	o.preparing.clear()
	o.clearMeasuring()
	if o.evaluation != nil {
		o.evaluation.Clear()
	}
	if o.bar != nil {
		o.bar.Finish()
	}
}
