package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
)

// Serve is a worker: it reads a job and then requests for steps from in, and
// answers each on out, until in ends. What goes wrong is answered too.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	asks, answers := json.NewDecoder(in), json.NewEncoder(out)
	var j job
	if err := asks.Decode(&j); err != nil {
		return err
	}
	w, err := newWorker(ctx, j)
	if err != nil {
		return answers.Encode(ready{Error: err.Error()})
	}
	defer w.close()
	if err := answers.Encode(w.ready); err != nil {
		return err
	}
	for {
		var r request
		if err := asks.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := w.step(r)
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// worker makes steps.
type worker struct {
	learner  *train.Learner
	batches  *batches
	products *multiplications // in place of the learner's steps, or nil
	ready    ready
	memory   memory
}

func newWorker(ctx context.Context, j job) (*worker, error) {
	setup, err := j.setup(ctx)
	if err != nil {
		return nil, err
	}
	w := &worker{}
	if w.memory.device, err = torch.ParseDevice(j.Device); err != nil {
		return nil, err
	}
	if w.learner, err = train.OpenLearner(ctx, setup); err != nil {
		return nil, err
	}
	if err := w.prepare(ctx, j); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *worker) prepare(ctx context.Context, j job) error {
	var err error
	if w.batches, err = readBatches(ctx, w.learner, j); err != nil {
		return err
	}
	if err := w.memory.mark(); err != nil {
		w.ready.Remarks = append(w.ready.Remarks, "the high-water mark of memory could not be reset: peaks include loading")
	}
	switch j.Contender {
	case floor:
		err = w.batches.write(j.BatchFile)
	case products:
		w.products, err = newMultiplications(w.learner.Model, j, w.batches)
	default:
		w.learner.CheckpointActivations = j.Checkpoint
		err = w.learner.Attach(j.Contender, j.Params, j.Tuning)
	}
	if err != nil {
		return err
	}
	trainable := w.learner.Trainable()
	w.ready.Trainable, w.ready.Head = trainable.Method, trainable.Head
	w.ready.Threads, w.ready.Versions = torch.NumThreads(), map[string]string{"libtorch": torch.Version()}
	w.ready.Batches = w.batches.sizes()
	if w.products != nil {
		w.ready.MultAdds = w.products.count
	}
	return writeStart(j.StartFile, w.learner)
}

func (w *worker) step(r request) (answer, error) {
	begin := time.Now()
	var a answer
	var err error
	if w.products != nil {
		err = torch.Try(func() { w.products.step(r.Batch) })
	} else {
		var step train.Step
		step, err = w.learner.Step(w.batches.batch(r.Batch), r.LR)
		a.Loss = step.Loss
	}
	if err != nil {
		return a, err
	}
	if err := torch.Try(func() { torch.Synchronize(w.memory.device) }); err != nil {
		return a, err
	}
	a.Seconds = time.Since(begin).Seconds()
	a.PeakBytes, err = w.memory.peak()
	return a, err
}

func (w *worker) close() {
	if w.products != nil {
		w.products.close()
	}
	w.learner.Close()
}

// setup is what a job asks to load.
func (j job) setup(ctx context.Context) (train.Setup, error) {
	setup := train.Setup{Model: j.Model, MaxLength: j.Length, Seed: j.Seed, Device: j.Device, DType: j.DType, Threads: j.Threads}
	var err error
	if j.Data == "" {
		setup.Task, err = madeUpTask(j.Model, j.Length)
		return setup, err
	}
	if setup.Task, err = train.FindTask(j.Task, j.Text, j.Label); err != nil {
		return setup, err
	}
	setup.Dataset, err = train.OpenData(ctx, j.Data, nil)
	return setup, err
}

// madeUpTask has the labels of the model's head, or two, and rows that the model
// can read.
func madeUpTask(dir string, length int) (*task.Task, error) {
	declared, err := models.Declare(dir, models.Options{})
	if err != nil {
		return nil, err
	}
	defer declared.Close()
	if length > declared.MaxLength() {
		return nil, fmt.Errorf("rows of %d tokens: %s reads at most %d", length, dir, declared.MaxLength())
	}
	labels := models.Labels(declared)
	if len(labels) == 0 {
		labels = []string{"negative", "positive"}
	}
	t, err := task.Classify([]string{"text"}, "label")
	if err != nil {
		return nil, err
	}
	return t.WithLabels(labels), nil
}
