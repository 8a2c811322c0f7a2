package main

import (
	"fmt"
	"io"

	"github.com/gopet-ml/gopet/train"
)

// progress is a train.Observer that writes a line now and then.
type progress struct {
	out io.Writer
}

func (p progress) Started(s train.Start) {
	fmt.Fprintf(p.out, "%d of %d entries and a head of %d parameters, %d steps on %s, learning rate %.2g\n",
		s.Trainable.Method, s.BaseSize, s.Trainable.Head, s.Steps, s.Device, s.LR)
	for _, warning := range s.Warnings {
		fmt.Fprintln(p.out, "note:", warning)
	}
}

func (p progress) Stepped(s train.Step) {
	if s.Step%50 == 0 {
		fmt.Fprintf(p.out, "step %d: loss %.3f, %.0f samples/s\n", s.Step, s.Loss, s.SamplesPerSecond)
	}
}

func (p progress) Downloading(string, int64, int64) {}

func (p progress) Measuring(string, int64, int64) {}

func (p progress) Evaluating(string, int64, int64) {}

func (p progress) Evaluated(e train.Evaluation) {
	accuracy, _ := e.Scores.Value("accuracy")
	fmt.Fprintf(p.out, "step %d: %s accuracy %.3f\n", e.Step, e.Split, accuracy)
}
