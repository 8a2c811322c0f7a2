// Package plan tells what a run would tune, what it would keep in memory and,
// where the machine has been calibrated, how long a step would take, from a
// model's config.json alone.
//
// It writes a step down as a list of operations, as packages torch and
// torch/nn compute it: what each makes, what it keeps for backward, and how
// much work of which kind it is. Memory is the most that is alive at once;
// time is the sum of the work at rates that calibration has measured on
// operations apart, never on steps. Dropout is taken to be 0.
package plan

import (
	"context"
	"fmt"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/models/t5"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/train"
)

// Options say what to plan.
type Options struct {
	Model  string // directory with a config.json, or an id of the Hub; weights need not be there
	Method string
	Params string // APET: a number of entries, or the method whose count is taken
	Tuning pet.Options
	Labels int    // classes of an encoder's new head
	DType  string // of the base: float32 or bfloat16
	Shape  Shape
	// Threads are those that operations use; 0: one a core.
	Threads int
	// Calibration holds this machine's rates; nil where there are none.
	Calibration *Calibration
}

// Shape is that of a batch: full rows.
type Shape struct {
	Rows   int `json:"rows"`
	Length int `json:"length"` // 0: train's default, or what the model reads
	Target int `json:"target"` // tokens of a text-to-text model's answer
}

// DefaultTarget is the answer's length where none is given: a label's words.
const DefaultTarget = 8

// lengths are those of the encoder's rows behind a prompt.
func (s Shape) lengths(prompt int64) []int64 { return repeat(int64(s.Length)+prompt, s.Rows) }

func (s Shape) targets() []int64 { return repeat(int64(s.Target), s.Rows) }

func repeat(n int64, times int) []int64 {
	list := make([]int64, times)
	for i := range list {
		list[i] = n
	}
	return list
}

// settle decides the length of rows of which a model reads so many tokens.
func (s *Shape) settle(most int) error {
	if s.Length == 0 {
		s.Length = min(train.DefaultMaxLength, most)
	}
	switch {
	case s.Rows < 1 || s.Length < 1 || s.Target < 1:
		return fmt.Errorf("shape %dx%d with %d tokens to answer: want 1 or more of each", s.Rows, s.Length, s.Target)
	case s.Length > most:
		return fmt.Errorf("rows of %d tokens, of which the model reads at most %d", s.Length, most)
	}
	return nil
}

// Plan is what was found.
type Plan struct {
	Model          string          `json:"model"`
	Method         string          `json:"method"`
	DType          string          `json:"dtype"`
	Shape          Shape           `json:"shape"`
	Trainable      train.Trainable `json:"trainable"`
	BaseParameters int64           `json:"base_parameters"`
	Memory         Memory          `json:"memory_bytes"`
	// StepSeconds is the time of a step; nil where this machine was not
	// calibrated for the dtype.
	StepSeconds *float64 `json:"step_seconds"`
}

// Make plans a run. Its errors are those that the run would have.
func Make(ctx context.Context, o Options) (*Plan, error) {
	dir, err := train.FindConfig(ctx, o.Model)
	if err != nil {
		return nil, err
	}
	return inDirectory(dir, o)
}

func inDirectory(dir string, o Options) (*Plan, error) {
	dtype, err := torch.ParseDType(o.DType)
	if err != nil {
		return nil, err
	}
	m, err := models.Declare(dir, models.Options{DType: dtype, Labels: make([]string, o.Labels)})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return of(m, o)
}

// of plans for a declared model.
func of(m models.Model, o Options) (*Plan, error) {
	tuned, err := chosen(m, o)
	if err != nil {
		return nil, err
	}
	if err := o.Shape.settle(m.MaxLength() - int(tuned.prompt)); err != nil {
		return nil, fmt.Errorf("%w: %s", err, o.Model)
	}
	p := &Plan{
		Model: o.Model, Method: o.Method, DType: o.DType, Shape: o.Shape,
		Trainable:      train.Trainable{Method: tuned.added + tuned.ownCount(m), Head: numEl(m.Head())},
		BaseParameters: numEl(m.Base()),
	}
	step, err := stepOf(m, tuned, o)
	if err != nil {
		return nil, err
	}
	p.Memory = memoryOf(m, tuned, step)
	if rates, ok := o.Calibration.rates(o.DType); ok {
		w := step.work()
		w[updatedValues] += float64(p.Trainable.Method + p.Trainable.Head)
		seconds := w.seconds(rates)
		p.StepSeconds = &seconds
	}
	return p, nil
}

// chosen is what the options tune.
func chosen(m models.Model, o Options) (*tuned, error) {
	method, err := pet.Lookup(o.Method)
	if err != nil {
		return nil, err
	}
	if o.Params != "" {
		if o.Tuning.K, err = pet.Budget(o.Params, m, o.Tuning); err != nil {
			return nil, err
		}
	}
	return tunedBy(m, method, o.Tuning)
}

// stepOf writes down a step of a model.
func stepOf(m models.Model, t *tuned, o Options) (*tape, error) {
	threads := o.Threads
	if threads == 0 {
		threads = torch.NumThreads()
	}
	b := &builder{tuned: t, element: int64(m.Registry().DType().Size()), threads: int64(threads)}
	switch m := m.(type) {
	case *bert.Model:
		bertStep(b, m, o.Shape)
	case *t5.Model:
		t5Step(b, m, o.Shape)
	default:
		return nil, fmt.Errorf("%s: plan knows steps of BERT and T5 only", o.Model)
	}
	return &b.tape, nil
}

func numEl(parameters []*nn.Parameter) int64 {
	var n int64
	for _, p := range parameters {
		n += p.NumEl()
	}
	return n
}
