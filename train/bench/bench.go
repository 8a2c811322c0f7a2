// Package bench measures what a training step costs with each tuning method,
// beside the floor: forward, loss and the activation gradient down to the
// embedding output, with everything frozen.
//
// Machines are shared and noisy, so steps are interleaved, one of each in
// turn, and what is reported is the median of ratios within a turn, with its
// 95 % interval. PyTorch's floor for the same batch can take part in the
// turns, from a process of its own.
package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert" // the family bert
	_ "github.com/gopet-ml/gopet/pet/methods" // those of gopet
	"github.com/gopet-ml/gopet/torch"
)

// Options say what is measured.
type Options struct {
	Model   string   // directory of a checkpoint
	Methods []string // names of tuning methods
	K       int64    // entries that APET tunes
	Targets string   // "": the method's default
	Rows    int
	Length  int // every row is full
	Steps   int // timed turns, after WarmUp more
	WarmUp  int
	Threads int
	DType   torch.DType
	Seed    uint64
	Python  string // interpreter with torch and transformers that runs PyTorch's floor; "": none
}

// DefaultOptions is the standard shape: 16 rows of 128 tokens, 30 turns.
func DefaultOptions() Options {
	return Options{
		Methods: []string{"full", "apet-discrete", "apet-adjacent"}, K: 20_000,
		Rows: 16, Length: 128, Steps: 30, WarmUp: 3, DType: torch.Float32,
	}
}

// Report is what was measured.
type Report struct {
	Machine Machine  `json:"machine"`
	Floor   Result   `json:"floor"`
	Results []Result `json:"results"`
	Peers   []Result `json:"peers"`
}

// Machine says where.
type Machine struct {
	CPU      string `json:"cpu"`
	Vector   string `json:"vector_instructions"`
	Threads  int    `json:"threads"`
	Libtorch string `json:"libtorch"`
	Shape    string `json:"shape"`
}

// Result is one contender's.
type Result struct {
	Method           string     `json:"method"`
	Trainable        int64      `json:"trainable"` // the head left out
	StepSeconds      float64    `json:"step_seconds"`
	FloorRatio       float64    `json:"floor_ratio"`    // to gopet's floor
	FloorInterval    [2]float64 `json:"floor_interval"` // 95 %
	SamplesPerSecond float64    `json:"samples_per_second"`
	TokensPerSecond  float64    `json:"tokens_per_second"`
}

// contender makes one step at a time.
type contender interface {
	step() (time.Duration, error)
	close()
}

// Run measures. Progress, when not nil, is told of every turn.
func Run(ctx context.Context, o Options, progress func(turn, turns int)) (*Report, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	torch.SetNumThreads(o.Threads)
	names, contenders, err := enter(ctx, o)
	defer func() {
		for _, c := range contenders {
			c.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	times, err := takeTurns(ctx, o, contenders, progress)
	if err != nil {
		return nil, err
	}
	return report(o, names, contenders, times), nil
}

const floorName, peerName = "floor", "PyTorch floor"

// enter sets up the floor, the methods and the peer, in this order.
func enter(ctx context.Context, o Options) (names []string, contenders []contender, err error) {
	add := func(name string, c contender, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		names, contenders = append(names, name), append(contenders, c)
		return nil
	}
	floor, err := newFloor(o)
	if err := add(floorName, floor, err); err != nil {
		return names, contenders, err
	}
	for _, method := range o.Methods {
		tuned, err := newTuned(o, method)
		if err := add(method, tuned, err); err != nil {
			return names, contenders, err
		}
	}
	if o.Python == "" {
		return names, contenders, nil
	}
	peer, err := newPeer(ctx, o)
	return names, contenders, add(peerName, peer, err)
}

// takeTurns lets every contender make a step a turn, each turn beginning with
// another one. It returns seconds by contender and turn.
func takeTurns(ctx context.Context, o Options, contenders []contender, progress func(turn, turns int)) ([][]float64, error) {
	times := make([][]float64, len(contenders))
	turns := o.WarmUp + o.Steps
	for turn := range turns {
		for i := range contenders {
			at := (turn + i) % len(contenders)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			d, err := contenders[at].step()
			if err != nil {
				return nil, err
			}
			if turn >= o.WarmUp {
				times[at] = append(times[at], d.Seconds())
			}
		}
		if progress != nil {
			progress(turn+1, turns)
		}
	}
	return times, nil
}

func report(o Options, names []string, contenders []contender, times [][]float64) *Report {
	r := &Report{Machine: Machine{
		CPU: cpuName(), Vector: torch.CPUCapability(), Threads: torch.NumThreads(), Libtorch: torch.Version(),
		Shape: fmt.Sprintf("%dx%d", o.Rows, o.Length),
	}, Peers: []Result{}}
	for i, name := range names {
		result := Result{Method: name, StepSeconds: median(times[i])}
		result.FloorRatio, result.FloorInterval = medianRatio(times[i], times[0])
		result.SamplesPerSecond = float64(o.Rows) / result.StepSeconds
		result.TokensPerSecond = result.SamplesPerSecond * float64(o.Length)
		if tuned, ok := contenders[i].(*tuned); ok {
			result.Trainable = tuned.attached.Count()
		}
		switch name {
		case floorName:
			r.Floor = result
		case peerName:
			r.Peers = append(r.Peers, result)
		default:
			r.Results = append(r.Results, result)
		}
	}
	return r
}

// labels are those of the head that every contender gets.
var labels = []string{"negative", "positive"}

func loadModel(o Options) (m models.Model, err error) {
	failure := torch.Try(func() {
		m, err = models.Load(o.Model, models.Options{DType: o.DType, Device: torch.CPU, Labels: labels, Seed: o.Seed})
	})
	if failure != nil {
		return nil, failure
	}
	if err != nil {
		return nil, err
	}
	if _, ok := m.(models.Classifier); !ok {
		m.Close()
		return nil, fmt.Errorf("%s: steps are timed of models with a classification head, such as BERT", o.Model)
	}
	if o.Length > m.MaxLength() {
		m.Close()
		return nil, fmt.Errorf("rows of %d tokens: %s reads at most %d", o.Length, o.Model, m.MaxLength())
	}
	m.SetDropout(0)
	for _, p := range m.Registry().Parameters() {
		p.Tensor.SetRequiresGrad(false)
	}
	return m, nil
}

// batch is the same for all: ids from all over the vocabulary, every row full.
func batch(s *torch.Scope, o Options, m models.Model) (models.Input, *torch.Tensor) {
	vocabulary := m.Registry().Embeddings()[0].Weight.Tensor.Dim(0)
	in := models.Input{Scope: s, Train: true, Lengths: slices.Repeat([]int64{int64(o.Length)}, o.Rows)}
	for i := range o.Rows * o.Length {
		in.IDs = append(in.IDs, int64(i)*7919%vocabulary)
	}
	targets := make([]int64, o.Rows)
	for i := range targets {
		targets[i] = int64(i % len(labels))
	}
	return in, torch.FromSlice(s, targets, int64(o.Rows))
}
