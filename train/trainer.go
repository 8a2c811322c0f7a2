package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/apet"
	_ "github.com/gopet-ml/gopet/pet/methods" // those of gopet
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
	"github.com/gopet-ml/gopet/train/metrics"
)

// trainer is a run at work.
type trainer struct {
	config   Config
	observer Observer
	warnings []string
	setup    Setup
	*Inference
	skill                   skill
	dataset                 data.Dataset
	train, validation, test data.Split // test is nil where there is none
	base                    pet.Base
	optimizer               *optim.AdamW
	schedule                optim.Schedule
	steps, evalEvery        int
	dir                     *runDir
	progress                progress
}

// progress is where a run stands; with the tensors it is all that a
// checkpoint holds.
type progress struct {
	Step      int         `json:"step"`      // steps made
	Next      batch.State `json:"next"`      // where the data goes on
	Evaluated int         `json:"evaluated"` // the last step that was evaluated
	Best      *Best       `json:"best"`
	Stale     int         `json:"stale"` // evaluations since the best
	Stopped   bool        `json:"stopped"`
	Rows      int64       `json:"rows"`
	Tokens    int64       `json:"tokens"`
	Seconds   float64     `json:"seconds"`    // of training, evaluation left out
	LossSum   float64     `json:"loss_sum"`   // of finite losses
	LossSteps int         `json:"loss_steps"` // that had them, since the last logged line
	Skipped   int         `json:"skipped"`    // steps in a row without finite gradients
	Updates   int64       `json:"updates"`    // steps that had them
	HeadLR    float64     `json:"head_lr"`    // the peak of a run with k = 0, for its baselines
}

// over says that no step and no evaluation is left but the test split's. What
// the last step's values and moments were then does not matter any more.
func (p *progress) over(steps int) bool {
	return (p.Stopped || p.Step >= steps) && p.Evaluated == p.Step
}

// prepare loads everything and makes nothing on disk.
func prepare(ctx context.Context, config Config, observer Observer) (*trainer, error) {
	t := &trainer{config: config, observer: observer}
	if err := t.openData(ctx); err != nil {
		return nil, err
	}
	tsk, err := FindTask(config.Task, config.Text, config.Label)
	if err != nil {
		return nil, err
	}
	if t.test != nil && unlabelled(ctx, t.test, tsk) {
		t.test = nil
		t.warnings = append(t.warnings, "the test split has no labels, only -1: it is not scored")
	}
	t.setup = config.setup(tsk, t.dataset)
	t.setup.Downloading = t.downloading()
	if err := t.setup.followAdapter(); err != nil {
		return nil, err
	}
	if t.Inference, err = open(ctx, t.setup, true); err != nil {
		return nil, err
	}
	if err := t.prepareTuning(ctx); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *trainer) downloading() Downloading {
	if t.observer == nil {
		return nil
	}
	return t.observer.Downloading
}

func (t *trainer) openData(ctx context.Context) error {
	var err error
	if t.dataset, err = OpenData(ctx, t.config.Data, t.downloading()); err != nil {
		return err
	}
	if t.train, err = data.FindSplit(t.dataset, data.Train); err != nil {
		return err
	}
	if t.validation, err = data.FindSplit(t.dataset, data.Validation); err != nil {
		return fmt.Errorf("%w: cut one from train with gopet data import --validation 0.1", err)
	}
	for _, split := range t.dataset.Splits() {
		if split.Name() == data.Test {
			t.test = split
		}
	}
	return nil
}

// FindTask finds a task by name, or makes a classify task of columns: text and
// label where none are named.
func FindTask(name string, text []string, label string) (*task.Task, error) {
	if name == task.ClassifyName {
		if len(text) == 0 {
			text = []string{"text"}
		}
		if label == "" {
			label = "label"
		}
		return task.Classify(text, label)
	}
	return task.Lookup(name)
}

// prepareTuning attaches the method and makes the optimizer.
func (t *trainer) prepareTuning(ctx context.Context) error {
	c := &t.config
	method, err := pet.Lookup(c.Method)
	if err != nil {
		return err
	}
	if t.skill, err = t.prepareSkill(ctx); err != nil {
		return err
	}
	if err := t.prepareCount(method); err != nil {
		return err
	}
	if err := t.planSteps(); err != nil {
		return err
	}
	if err := t.attach(method); err != nil {
		return err
	}
	if err := t.settleLengths(t.setup); err != nil {
		return err
	}
	c.MaxLength, c.MaxTarget = t.maxLength, t.maxTarget
	t.base.MaxLength, t.base.MaxTarget = t.maxLength, t.maxTarget
	if c.Dropout < 0 {
		c.Dropout = method.Dropout()
	}
	if c.Dropout >= 0 {
		t.Model.SetDropout(c.Dropout)
	}
	if t.progress.HeadLR = c.LR; c.LR == 0 {
		t.progress.HeadLR = apet.LearningRate(0)
		c.LR = method.LearningRate(t.attached.Count())
	}
	config := optim.DefaultConfig()
	config.WeightDecay, config.MaxNorm = c.WeightDecay, c.Clip
	params := t.attached.Params()
	if len(params) == 0 {
		return errors.New("nothing to tune: k is 0 and the head is frozen, or there is none")
	}
	t.optimizer = optim.NewAdamW(params, config)
	torch.ManualSeed(c.Seed)
	return nil
}

// prepareSkill finds what the model can do, and checks what is asked of it.
func (t *trainer) prepareSkill(ctx context.Context) (skill, error) {
	c := &t.config
	if err := t.settleLengths(t.setup); err != nil {
		return nil, err
	}
	var weights []float32
	if c.ClassWeights {
		if t.Task.Generates() {
			return nil, fmt.Errorf("class weights: task %q has no classes", t.Task.Name)
		}
		var err error
		if weights, err = classWeights(ctx, t.train, t.Task); err != nil {
			return nil, err
		}
	}
	skill, err := t.skillFor(weights)
	if err != nil {
		return nil, err
	}
	if c.SelectMetric == "" {
		c.SelectMetric = t.Task.Metric
	}
	return skill, metrics.Check(c.SelectMetric, t.kind())
}

// prepareCount settles how many parameters are tuned, from shapes alone.
func (t *trainer) prepareCount(method pet.Method) error {
	c := &t.config
	if c.Adapter != "" {
		return nil // the adapter knows
	}
	if c.Params != "" {
		var err error
		if c.K, err = pet.Budget(c.Params, t.Model, c.tuning()); err != nil {
			return err
		}
	}
	_, err := method.Count(t.Model, c.tuning())
	return err
}

func (t *trainer) attach(method pet.Method) error {
	fingerprint, err := t.Fingerprint()
	if err != nil {
		return err
	}
	c := t.config
	t.base = pet.Base{
		Model: c.Model, Fingerprint: fingerprint, Task: t.Task.Name, Text: t.Task.TextColumns(), Label: t.Task.LabelColumn,
		Labels: t.Task.Labels,
	}
	if c.Adapter != "" {
		if err := t.attachAdapter(c.Adapter, c.Head == "train"); err != nil {
			return err
		}
		if name := t.attached.Method.Name(); name != method.Name() {
			return fmt.Errorf("%s is an adapter of %s: start from it with --method %s", c.Adapter, name, name)
		}
		return nil
	}
	t.attached, err = pet.Attach(t.Model, method, c.tuning(), c.Head == "train")
	return err
}

func (t *trainer) planSteps() error {
	c := t.config
	perEpoch := int(batch.PerEpoch(t.train, c.Batch))
	if t.steps = c.Steps; t.steps == 0 {
		t.steps = c.Epochs * perEpoch
	}
	if t.evalEvery = c.EvalEvery; t.evalEvery == 0 {
		t.evalEvery = perEpoch
	}
	t.schedule = optim.Schedule{Kind: c.Schedule, Warmup: c.warmup(t.steps), Steps: t.steps}
	return t.schedule.Validate()
}

func (t *trainer) describe() runConfig {
	return describe(t.config, t.base.Fingerprint, t.dataset.Fingerprint())
}

// close frees the optimizer and the model, where they still are.
func (t *trainer) close() {
	if t.optimizer != nil {
		t.optimizer.Close()
		t.optimizer = nil
	}
	if t.Inference != nil {
		t.Inference.Close()
		t.Inference = nil
	}
}

// run trains to the end, whatever way it ends, and writes result.json.
func (t *trainer) run(ctx context.Context) (*Result, error) {
	t.start()
	result, err := t.toTheEnd(ctx)
	if err == nil && t.config.Baselines {
		result.Baselines, err = t.measureBaselines(ctx)
	}
	switch {
	case err == nil:
		result.Status = StatusFinished
	case ctx.Err() != nil:
		err = ctx.Err()
		if saveErr := t.save(); saveErr != nil {
			err = errors.Join(err, saveErr)
		}
		result.Status = StatusInterrupted
	case t.progress.Step == 0:
		t.dir.discard()
		return nil, err
	default:
		result.Status, result.Error = StatusFailed, err.Error()
	}
	if writeErr := writeJSON(t.dir.file(resultFile), result); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	return result, errors.Join(err, t.dir.close())
}

func (t *trainer) start() {
	if t.observer == nil {
		return
	}
	t.observer.Started(Start{
		Config: t.config, Steps: t.steps, From: t.progress.Step, Trainable: t.trainable(), BaseSize: t.baseSize(),
		LR: t.config.LR, Device: t.device.String(), Warnings: append(t.warnings, t.Model.Warnings()...),
	})
}

func (t *trainer) baseSize() int64 {
	var n int64
	for _, p := range t.Model.Base() {
		n += p.NumEl()
	}
	return n
}

func (t *trainer) trainable() Trainable {
	return Trainable{Method: t.attached.Count(), Head: t.attached.HeadCount()}
}

// toTheEnd returns the result as far as it is known, with any error.
func (t *trainer) toTheEnd(ctx context.Context) (*Result, error) {
	err := t.loop(ctx)
	if err == nil && t.progress.Updates == 0 {
		err = fmt.Errorf("the gradients of all %d steps were not finite: nothing was tuned; take a smaller --lr, or look into the model", t.progress.Step)
	}
	var scores *Scores
	if err == nil {
		scores, err = t.finish(ctx)
	}
	p := t.progress
	result := &Result{
		Model: t.config.Model, Task: t.Task.Name, Method: t.config.Method, Trainable: t.trainable(), BaseSize: t.baseSize(),
		Steps: p.Step, Best: p.Best, TrainSeconds: p.Seconds, SamplesPerSecond: t.samplesPerSecond(),
		PeakMemoryBytes: PeakMemory(), TestScores: scores,
	}
	if scores != nil {
		result.Test = scores.Values()
	}
	return result, err
}

func (t *trainer) samplesPerSecond() float64 {
	if t.progress.Seconds == 0 {
		return 0
	}
	return float64(t.progress.Rows) / t.progress.Seconds
}

// loop makes the steps, and the evaluations that are due between them.
func (t *trainer) loop(ctx context.Context) error {
	c, p := t.config, &t.progress
	reader, err := t.batches(ctx, t.skill, batch.Options{Split: t.train, Rows: c.Batch, Arrangement: t.arrangement(), Seed: int64(c.Seed)}, p.Next)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		if due := p.Step > 0 && (p.Step%t.evalEvery == 0 || p.Step == t.steps); due && p.Evaluated < p.Step {
			if err := t.evaluate(ctx); err != nil {
				return err
			}
		}
		if p.Stopped || p.Step >= t.steps {
			return nil
		}
		if err := t.advance(ctx, reader); err != nil {
			return err
		}
		if c.SaveEvery > 0 && p.Step%c.SaveEvery == 0 {
			if err := t.save(); err != nil {
				return err
			}
		}
	}
}

func (t *trainer) arrangement() batch.Arrangement {
	if t.config.Shuffle {
		return batch.Shuffled
	}
	return batch.FileOrder
}

// advance makes one step with the next batch.
func (t *trainer) advance(ctx context.Context, reader *batch.Reader) error {
	begin := time.Now()
	b, err := reader.Next(ctx)
	if err != nil {
		return err
	}
	p := &t.progress
	step := Step{Step: p.Step + 1, LR: t.config.LR * t.schedule.Factor(p.Step), Rows: b.Rows, Tokens: b.Tokens}
	if err := torch.Try(func() { t.stepping().optimize(b, &step) }); err != nil {
		return fmt.Errorf("step %d: %w", step.Step, err)
	}
	p.Step, p.Next, p.Updates = step.Step, b.Next, t.optimizer.Steps()
	p.Rows, p.Tokens = p.Rows+int64(b.Rows), p.Tokens+b.Tokens
	p.Seconds += time.Since(begin).Seconds()
	if finite(step.Loss) != nil {
		p.LossSum, p.LossSteps = p.LossSum+step.Loss, p.LossSteps+1
	}
	step.SamplesPerSecond = t.samplesPerSecond()
	return t.report(step)
}

func (t *trainer) stepping() stepping {
	return stepping{t.skill, t.optimizer, t.config.MicroBatch, t.config.CheckpointActivations}
}

// maxSkipped is how many steps in a row may lack finite gradients.
const maxSkipped = 20

func (t *trainer) report(step Step) error {
	p := &t.progress
	if p.Skipped++; !step.Skipped {
		p.Skipped = 0
	}
	if p.Skipped == maxSkipped {
		return fmt.Errorf("step %d: the gradients of %d steps in a row were not finite: take a smaller --lr", step.Step, maxSkipped)
	}
	if t.observer != nil {
		t.observer.Stepped(step)
	}
	if step.Step%t.config.LogEvery != 0 && step.Step != 1 && step.Step != t.steps {
		return nil
	}
	loss := p.LossSum / float64(p.LossSteps)
	p.LossSum, p.LossSteps = 0, 0
	return t.dir.logStep(stepLine{
		Step: step.Step, Loss: finite(loss), LR: step.LR, GradNorm: finite(step.GradNorm),
		Tokens: p.Tokens, SamplesPerSecond: step.SamplesPerSecond,
	})
}

// evaluate scores the validation split and keeps the adapter if it is the
// best so far.
func (t *trainer) evaluate(ctx context.Context) error {
	p := &t.progress
	begin := time.Now()
	scores, err := t.Evaluate(ctx, t.validation, t.watch(t.validation))
	if errors.Is(err, errNotANumber) {
		return fmt.Errorf("step %d: the tuned model's answers are no numbers any more: take a smaller --lr", p.Step)
	}
	if err != nil {
		return err
	}
	value, err := scores.Value(t.config.SelectMetric)
	if err != nil {
		return err
	}
	best := p.Best == nil || value > p.Best.Value
	if best {
		if err := pet.SaveAdapter(t.dir.file(bestDir), t.attached, t.base); err != nil {
			return err
		}
		p.Best, p.Stale = &Best{Step: p.Step, Metric: t.config.SelectMetric, Value: value, Scores: scores.Values()}, 0
	} else {
		p.Stale++
	}
	p.Evaluated = p.Step
	p.Stopped = t.config.Patience > 0 && p.Stale >= t.config.Patience
	return t.evaluated(Evaluation{Step: p.Step, Split: data.Validation, Scores: scores, Best: best, Duration: time.Since(begin)})
}

// watch tells the observer how far the evaluation of a split is.
func (t *trainer) watch(split data.Split) func(done int64) {
	if t.observer == nil {
		return nil
	}
	return func(done int64) { t.observer.Evaluating(split.Name(), done, data.NumRows(split)) }
}

func (t *trainer) evaluated(e Evaluation) error {
	if t.observer != nil {
		t.observer.Evaluated(e)
	}
	return t.dir.logEvaluation(e.Step, e.Split, e.Scores.Values())
}

// finish puts the best step's values back, saves them as the run's adapter
// and scores the test split, once.
func (t *trainer) finish(ctx context.Context) (*Scores, error) {
	if err := t.attached.LoadTensors(filepath.Join(t.dir.file(bestDir), pet.AdapterModelFile)); err != nil {
		return nil, err
	}
	if err := pet.SaveAdapter(t.dir.file(adapterDir), t.attached, t.base); err != nil {
		return nil, err
	}
	if t.test == nil {
		return nil, nil
	}
	begin := time.Now()
	scores, err := t.Evaluate(ctx, t.test, t.watch(t.test))
	if err != nil {
		return nil, err
	}
	return scores, t.evaluated(Evaluation{Step: t.progress.Best.Step, Split: data.Test, Scores: scores, Duration: time.Since(begin)})
}
