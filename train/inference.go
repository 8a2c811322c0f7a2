package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/data/tokenizer"
	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert" // the family bert
	_ "github.com/gopet-ml/gopet/models/t5"   // the family t5
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// Setup says what to load.
type Setup struct {
	Model   string // directory of a Hugging Face checkpoint, or an id of the Hub
	Adapter string // directory, or "" for none
	Task    *task.Task
	Dataset data.Dataset // nil: the task's labels, the adapter's or the model's stand

	MaxLength   int    // 0: the adapter's, else DefaultMaxLength or what the model reads, whichever is less
	MaxTarget   int    // tokens of a target, and of a text that is generated; 0: the task's
	NumBeams    int    // of generation; 0 or 1: greedy
	Seed        uint64 // of a new head
	Device      string
	DType       string // "": the adapter's, else float32
	Threads     int
	Downloading Downloading // nil: nobody
}

// Inference is a model and its tokenizer, ready to be run on a task. Any number
// of goroutines may use it at once.
type Inference struct {
	Model     models.Model
	Tokenizer *tokenizer.Tokenizer
	Task      *task.Task // with its labels settled; nil without a task

	dir         string // of the model
	device      torch.Device
	maxLength   int
	maxTarget   int // 0: as long as they are
	generate    models.GenerateOptions
	fingerprint string
	attached    *pet.Attached // nil without an adapter
}

// Open loads what setup names. The caller closes it.
func Open(ctx context.Context, setup Setup) (*Inference, error) {
	if err := setup.followAdapter(); err != nil {
		return nil, err
	}
	i, err := open(ctx, setup, setup.Adapter != "")
	if err != nil {
		return nil, err
	}
	if setup.Adapter != "" {
		err = i.attachAdapter(setup.Adapter, false)
	}
	if err == nil {
		err = i.settleLengths(setup)
	}
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// open loads everything but the adapter. NewHead says whether a model without
// a classification head gets one, for training or for the adapter's values.
func open(ctx context.Context, setup Setup, newHead bool) (*Inference, error) {
	if setup.Threads < 0 {
		return nil, fmt.Errorf("threads %d: want 0 or more", setup.Threads)
	}
	if err := checkMaxLength(setup.MaxLength); err != nil {
		return nil, err
	}
	torch.SetNumThreads(setup.Threads)
	device, err := torch.ParseDevice(setup.Device)
	if err != nil {
		return nil, err
	}
	dtype, err := torch.ParseDType(setup.DType)
	if err != nil {
		return nil, err
	}
	i := &Inference{device: device, Task: setup.Task}
	if i.dir, err = FindModel(ctx, setup.Model, setup.Downloading); err != nil {
		return nil, err
	}
	// A wrong directory is the model's error, not the tokenizer's.
	if _, err := models.ReadConfig(i.dir); err != nil {
		return nil, err
	}
	if err := i.bindTask(ctx, setup); err != nil {
		return nil, err
	}
	if i.Tokenizer, err = tokenizer.Load(i.dir); err != nil {
		return nil, err
	}
	if err := i.loadModel(ctx, setup, dtype, newHead); err != nil {
		return nil, err
	}
	return i, nil
}

// followAdapter takes what is not set from the adapter: how long rows are, in
// what precision the base is, and the labels, which stand before the data's.
func (s *Setup) followAdapter() error {
	if s.Adapter != "" {
		config, err := pet.ReadAdapterConfig(s.Adapter)
		if err != nil {
			return err
		}
		if s.MaxLength == 0 {
			s.MaxLength = config.MaxLength
		}
		if s.MaxTarget == 0 {
			s.MaxTarget = config.MaxTarget
		}
		if s.DType == "" {
			s.DType = config.DType
		}
		if s.Task != nil && len(s.Task.Labels) == 0 {
			s.Task = s.Task.WithLabels(config.Labels)
		}
		if s.Task != nil && !slices.Equal(s.Task.Labels, config.Labels) {
			return fmt.Errorf("%s: tuned on task %q with the labels %q, not those of task %q, %q",
				s.Adapter, config.Task, config.Labels, s.Task.Name, s.Task.Labels)
		}
	}
	if s.DType == "" {
		s.DType = torch.Float32.String()
	}
	return nil
}

// bindTask joins the task to the data.
func (i *Inference) bindTask(ctx context.Context, setup Setup) error {
	if i.Task == nil || setup.Dataset == nil {
		return nil
	}
	bound, err := i.Task.Bind(ctx, setup.Dataset)
	i.Task = bound
	return err
}

func (i *Inference) loadModel(ctx context.Context, setup Setup, dtype torch.DType, newHead bool) error {
	options := models.Options{DType: dtype, Device: i.device, Seed: setup.Seed}
	if i.Task != nil && newHead {
		options.Labels = i.Task.Labels
	}
	var err error
	if failure := torch.Try(func() { i.Model, err = models.Load(i.dir, options) }); failure != nil {
		err = failure
	}
	if err != nil {
		return err
	}
	if err := i.matchLabels(ctx, setup); err != nil {
		i.Model.Close()
		return fmt.Errorf("%s: %w", setup.Model, err)
	}
	return nil
}

// matchLabels brings the task's labels into the order of a checkpoint's own
// head.
func (i *Inference) matchLabels(ctx context.Context, setup Setup) error {
	if _, ok := i.Model.(models.Classifier); ok && i.Task != nil && i.Task.Generates() {
		return fmt.Errorf("task %q generates text, and the model has no decoder: take a T5", i.Task.Name)
	}
	have := models.Labels(i.Model)
	if i.Task == nil || len(have) == 0 || slices.Equal(have, i.Task.Labels) {
		return nil
	}
	if i.Task.Name == task.ClassifyName && setup.Adapter == "" && sameLabels(have, i.Task.Labels) {
		i.Task = i.Task.WithLabels(have)
		if setup.Dataset == nil {
			return nil
		}
		bound, err := i.Task.Bind(ctx, setup.Dataset)
		i.Task = bound
		return err
	}
	if len(have) != len(i.Task.Labels) {
		return fmt.Errorf("its classification head has %d labels, task %q %d: use a checkpoint without a head or with the same labels",
			len(have), i.Task.Name, len(i.Task.Labels))
	}
	return nil
}

// sameLabels reports whether b holds the labels of a, in whatever order; no
// labels at all hold any.
func sameLabels(a, b []string) bool {
	return len(b) == 0 || slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// attachAdapter puts an adapter on the freshly loaded model.
func (i *Inference) attachAdapter(dir string, trainHead bool) error {
	fingerprint, err := i.Fingerprint()
	if err != nil {
		return err
	}
	i.attached, err = pet.LoadAdapter(dir, i.Model, fingerprint, trainHead)
	return err
}

// Fingerprint identifies the pretrained parameters, as they were before any
// tuning.
func (i *Inference) Fingerprint() (string, error) {
	if i.fingerprint == "" {
		var err error
		if i.fingerprint, err = models.Fingerprint(i.Model.Base()); err != nil {
			return "", err
		}
	}
	return i.fingerprint, nil
}

// Close frees the model.
func (i *Inference) Close() {
	if i.attached != nil {
		i.attached.Detach()
	}
	i.Model.Close()
}

// encodePair tokenises the parts of an input; it is a batch.PairEncoder.
func (i *Inference) encodePair(first, second string) (ids, types []int32) {
	e := i.Tokenizer.EncodePair(first, second, i.maxLength)
	return e.IDs, e.Types
}

// encodeText tokenises a source or a target; it is a batch.TextEncoder.
func (i *Inference) encodeText(text string, maxLength int) []int32 {
	return i.Tokenizer.Encode(text, maxLength).IDs
}

// batches reads a split of the data, with answers.
func (i *Inference) batches(ctx context.Context, skill skill, o batch.Options, from batch.State) (*batch.Reader, error) {
	o.Columns, o.Encode = i.Task.Columns(), skill.learn()
	return batch.NewReader(ctx, o, from)
}
