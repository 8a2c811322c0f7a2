// Package bench measures what a training step costs with each tuning method,
// beside the floor: forward, loss and the activation gradient down to the
// embedding output, with everything frozen. Hugging Face's way to train the
// same can take part, and so does the time of the model's matrix products
// alone, which tells how close to the hardware a step is.
//
// Every contender is a process of its own, gopet's and Python's alike, that
// makes a step when it is told to. So all are timed and their memory is measured
// in the same way, and none runs in what another one left behind. Machines are
// shared and noisy: steps are interleaved, one of each in turn, and what is
// reported is the median of ratios within a turn, with its 95 % interval.
package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

// Options say what is measured.
type Options struct {
	Model   string   // directory of a checkpoint
	Methods []Method // see ParseMethod
	Seed    uint64   // of whatever is drawn

	Rows   int // of a batch
	Length int // tokens of every row; with Data the most that a row may have, 0 for train's default

	// Data, an opened name of a data set, and Task bring real rows in place of
	// full ones of made-up tokens; Text and Label are those of task classify.
	Data, Task string
	Text       []string
	Label      string

	Steps   int // timed turns; with Data batches, each of which takes Rounds turns
	WarmUp  int // turns before them
	Device  string
	Threads int // 0: one a core
	DType   torch.DType

	// Worker is the command of a process that calls Serve. It must be given.
	Worker []string
	// Python is an interpreter with torch and transformers that PyTorch's floor
	// runs in, and with Peers peft's methods; "": none.
	Python string
	Peers  bool
	// Compile lets each method of the peers' take part a second time, compiled by
	// torch.compile.
	Compile bool
}

// Rounds is how often each batch of real rows is timed: a batch's time is the
// median.
const Rounds = 3

// DefaultOptions is the standard shape: 16 rows of 128 tokens, 30 turns.
func DefaultOptions() Options {
	return Options{Rows: 16, Length: 128, Steps: 30, WarmUp: 3, Device: torch.CPU.String(), DType: torch.Float32}
}

// DefaultMethods are measured unless others are named.
const DefaultMethods = "full,apet-discrete,apet-adjacent"

// DefaultParams is what APET tunes unless a method says how much.
const DefaultParams = "20000"

func (o Options) validate() error {
	switch {
	case len(o.Worker) == 0:
		return errors.New("bench: no worker: give the command of a process that serves")
	case o.Rows < 1:
		return fmt.Errorf("batch of %d rows: want 1 or more", o.Rows)
	case o.Steps < 1:
		return fmt.Errorf("%d steps: want 1 or more", o.Steps)
	case o.Compile && !o.Peers:
		return errors.New("bench: to compile are the peers, and there are none: ask for them")
	case o.Peers && o.Python == "":
		return errors.New("bench: peers need a Python")
	case o.Data == "" && o.Length < 1:
		return fmt.Errorf("rows of %d tokens: want 1 or more", o.Length)
	case (o.Data == "") != (o.Task == ""):
		return errors.New("data and task go together: give both, or a shape alone")
	}
	return nil
}

// batches is how many different ones there are, and rounds how often each is
// timed. All made-up batches are one.
func (o Options) batches() (batches, rounds int) {
	if o.Data == "" {
		return 1, o.Steps
	}
	return o.Steps, Rounds
}

// Run measures. Progress, when not nil, is told what is done, and how far it
// is. Peers whose losses are not those of gopet are an error, and the report
// comes with it.
func Run(ctx context.Context, o Options, progress func(what string, done, total int)) (*Report, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string, int, int) {}
	}
	dir, err := os.MkdirTemp("", "gopet-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	m := &measurement{options: o, dir: dir, progress: progress}
	defer m.close()
	report, err := m.run(ctx)
	if ctx.Err() != nil { // it ends the workers, which is then no news
		return nil, ctx.Err()
	}
	return report, err
}

// measurement is a Run at work.
type measurement struct {
	options    Options
	dir        string // for what workers hand to each other
	progress   func(what string, done, total int)
	contenders []*contender
}

func (m *measurement) run(ctx context.Context) (*Report, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	if err := m.takeFirstSteps(ctx); err != nil {
		return nil, err
	}
	losses := m.compareLosses()
	if err := disagreement(losses); err != nil {
		return &Report{Losses: losses}, err
	}
	if err := m.takeTurns(ctx); err != nil {
		return nil, err
	}
	return m.report(losses), nil
}

// enter starts all processes, one after the other.
func (m *measurement) enter(ctx context.Context) error {
	list := m.lineUp()
	for i, c := range list {
		m.progress("starting", i, len(list))
		if err := c.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		m.contenders = append(m.contenders, c)
		if own, its := m.contenders[0].ready.Threads, c.ready.Threads; its != own {
			return fmt.Errorf("%s computes with %d threads, and the floor with %d", c.name, its, own)
		}
	}
	return nil
}

// The first steps are made at a rate at which the losses move; the rate of
// those that are timed is small, so that numbers stay ordinary however many
// there are.
const (
	firstSteps = 5
	firstLR    = 2e-4
	timedLR    = 1e-6
)

func (m *measurement) takeFirstSteps(ctx context.Context) error {
	batches, _ := m.options.batches()
	for i, c := range m.contenders {
		m.progress("first steps", i, len(m.contenders))
		for step := range firstSteps {
			answer, err := m.ask(ctx, c, request{Batch: step % batches, LR: firstLR})
			if err != nil {
				return err
			}
			c.losses = append(c.losses, answer.Loss)
		}
	}
	return nil
}

// takeTurns lets every contender make a step a turn, in an order drawn anew, so
// that none always follows the same one.
func (m *measurement) takeTurns(ctx context.Context) error {
	batches, rounds := m.options.batches()
	turns := m.options.WarmUp + batches*rounds
	order := rand.New(rand.NewPCG(m.options.Seed, 0))
	for turn := range turns {
		m.progress("turns", turn, turns)
		timed := turn - m.options.WarmUp
		for _, i := range order.Perm(len(m.contenders)) {
			c := m.contenders[i]
			answer, err := m.ask(ctx, c, request{Batch: max(timed, 0) % batches, LR: timedLR})
			if err != nil {
				return err
			}
			c.peak = answer.PeakBytes
			if timed >= 0 {
				c.seconds = append(c.seconds, answer.Seconds)
			}
		}
	}
	m.progress("turns", turns, turns)
	return nil
}

// settle is how long everybody rests before a step. OpenMP's threads go on
// spinning for some milliseconds after a step, in every library alike; then an
// idle worker takes no time from others.
const settle = 20 * time.Millisecond

func (m *measurement) ask(ctx context.Context, c *contender, r request) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	time.Sleep(settle)
	a, err := c.process.step(r)
	if err != nil {
		return a, fmt.Errorf("%s: %w", c.name, err)
	}
	return a, nil
}

func (m *measurement) close() {
	for _, c := range m.contenders {
		c.process.close()
	}
}
