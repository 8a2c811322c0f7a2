package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/apet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// traces is a traces.json of testdata, which make_traces.py documents.
type traces struct {
	Optimizer struct {
		Betas         [2]float64
		Eps, Clip     float64
		Warmup, Steps int
	}
	Decayed []string
	Traces  map[string]trace
}

type trace struct {
	LR           float64
	WeightDecay  float64 `json:"weight_decay"`
	Layout       string
	K            int64
	ClassWeights []float32 `json:"class_weights"`
	MicroBatch   int       `json:"micro_batch"`
	Losses       []float64
	GradNorms    []float64 `json:"grad_norms"`
	LRs          []float64
}

func TestTracesOfPyTorch(t *testing.T) {
	t.Run("tiny", func(t *testing.T) { followTraces(t, "testdata/tiny", "testdata/tiny") })
	t.Run("minilm-l3", func(t *testing.T) {
		const shared = "../../shared/checkpoints/minilm-l3"
		if _, err := os.Stat(shared); err != nil {
			t.Skip("the shared checkpoint minilm-l3 is not here: ", err)
		}
		followTraces(t, "testdata/minilm-l3", shared)
	})
}

func followTraces(t *testing.T, dir, model string) {
	var all traces
	if err := readJSON(filepath.Join(dir, "traces.json"), &all); err != nil {
		t.Fatal(err)
	}
	for name, tr := range all.Traces {
		t.Run(name, func(t *testing.T) { followTrace(t, dir, model, name, &all, tr, 0) })
		if tr.MicroBatch > 0 {
			t.Run(name+" in micro-batches", func(t *testing.T) { followTrace(t, dir, model, name, &all, tr, tr.MicroBatch) })
		}
	}
}

func followTrace(t *testing.T, dir, modelDir, name string, all *traces, tr trace, microBatch int) {
	torchtest.NoLeaks(t)
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	batches := openTensors(t, filepath.Join(dir, "batches.safetensors"))
	golden := openTensors(t, filepath.Join(dir, name+".safetensors"))
	model := traceModel(t, s, modelDir, batches)
	defer model.Close()

	attached := attachTrace(t, s, model, tr, golden)
	defer attached.Detach()
	checkDecayed(t, attached.Params(), all.Decayed, tr.Layout == "full")
	inference := &Inference{Model: model, device: torchtest.Device, attached: attached}
	trainer := &trainer{
		config: Config{MicroBatch: microBatch}, Inference: inference,
		skill: &byHead{i: inference, model: model.(models.Classifier), classWeights: tr.ClassWeights},
	}
	followSteps(t, trainer, all, tr, func(step int64) *batch.Batch { return traceBatch(t, s, batches, step) })
	checkFinal(t, s, model, golden)
}

// followSteps makes the steps of a trace and compares each with it.
func followSteps(t *testing.T, trainer *trainer, all *traces, tr trace, batchOf func(step int64) *batch.Batch) {
	t.Helper()
	trainer.optimizer = optim.NewAdamW(trainer.attached.Params(), optim.Config{
		Beta1: all.Optimizer.Betas[0], Beta2: all.Optimizer.Betas[1], Eps: all.Optimizer.Eps,
		WeightDecay: tr.WeightDecay, MaxNorm: all.Optimizer.Clip,
	})
	defer trainer.optimizer.Close()
	schedule := optim.Schedule{Kind: "linear", Warmup: all.Optimizer.Warmup, Steps: all.Optimizer.Steps}
	for i := range tr.Losses {
		step := Step{LR: tr.LR * schedule.Factor(i)}
		trainer.stepping().optimize(batchOf(int64(i)), &step)
		near(t, fmt.Sprintf("step %d: loss", i+1), step.Loss, tr.Losses[i], 1e-5)
		near(t, fmt.Sprintf("step %d: gradient norm", i+1), step.GradNorm, tr.GradNorms[i], 1e-4)
		near(t, fmt.Sprintf("step %d: learning rate", i+1), step.LR, tr.LRs[i], 1e-12)
	}
}

// traceModel loads the model with the head that the batches come with, if any.
func traceModel(t *testing.T, s *torch.Scope, dir string, batches *pet.TensorFile) models.Model {
	t.Helper()
	classes := int64(2)
	if slices.Contains(batches.Names(), "head.bias") {
		classes = read(t, s, batches, "head.bias").Dim(0)
	}
	labels := make([]string, classes)
	for i := range labels {
		labels[i] = fmt.Sprint("label ", i)
	}
	model, err := models.Load(dir, models.Options{DType: torch.Float32, Device: torchtest.Device, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	model.SetDropout(0)
	for _, p := range model.Head() {
		name := "head" + strings.TrimPrefix(p.Name, "classifier")
		if slices.Contains(batches.Names(), name) {
			p.Tensor.CopyFrom(read(t, s, batches, name))
		}
	}
	return model
}

func attachTrace(t *testing.T, s *torch.Scope, model models.Model, tr trace, golden *pet.TensorFile) *pet.Attached {
	t.Helper()
	method, err := pet.Lookup("full")
	if err != nil {
		t.Fatal(err)
	}
	attached, err := pet.Attach(model, method, pet.Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if tr.Layout == "full" {
		return attached
	}
	attached.Detach()
	positions := map[string][]int64{}
	for _, name := range golden.Names() {
		if target, ok := strings.CutPrefix(name, "positions."); ok {
			positions[target] = read(t, s, golden, name).Int64s()
		}
	}
	if attached.Tuning, err = apet.AttachAt(model, positions); err != nil {
		t.Fatal(err)
	}
	if got := attached.Count(); got != tr.K {
		t.Fatalf("the mask has %d entries, want %d", got, tr.K)
	}
	return attached
}

// traceBatch packs the padded batch of a step.
func traceBatch(t *testing.T, s *torch.Scope, batches *pet.TensorFile, step int64) *batch.Batch {
	t.Helper()
	at := func(name string) *torch.Tensor { return read(t, s, batches, name).Select(0, step).Contiguous() }
	ids, labels, real := at("input_ids"), at("labels"), at("attention_mask").Int64s()
	rows := ids.Dim(0)
	b := &batch.Batch{Rows: int(rows), Labels: make([]int64, rows), RowIDs: make([]int64, rows)}
	b.IDs, b.Lengths = pack(ids.Int64s(), real, rows)
	b.Types = make([]int64, len(b.IDs))
	b.Tokens = int64(len(b.IDs))
	if len(labels.Shape()) == 1 {
		b.Labels = labels.Int64s()
		b.Types, _ = pack(at("token_type_ids").Int64s(), real, rows)
		return b
	}
	targets := labels.Int64s()
	answered := make([]int64, len(targets))
	for i, id := range targets {
		if id != -100 {
			answered[i] = 1
		}
	}
	b.Targets, b.TargetLengths = pack(targets, answered, rows)
	b.TargetTokens = int64(len(b.Targets))
	b.Tokens += b.TargetTokens
	return b
}

// pack leaves out of a rectangle what is padding, where real is 0.
func pack(flat, real []int64, rows int64) (packed, lengths []int64) {
	lengths = make([]int64, rows)
	for i, value := range flat {
		if real[i] != 0 {
			packed = append(packed, value)
			lengths[int64(i)*rows/int64(len(flat))]++
		}
	}
	return packed, lengths
}

// checkDecayed compares the parameters that weight decay shrinks with those
// of transformers' Trainer.
func checkDecayed(t *testing.T, params []optim.Param, want []string, all bool) {
	t.Helper()
	var got []string
	for _, p := range params {
		if p.Decay {
			got = append(got, p.Name)
		}
		if p.Decay != slices.Contains(want, p.Name) {
			t.Errorf("weight decay of %s: %v", p.Name, p.Decay)
		}
	}
	if all && len(got) != len(want) {
		t.Errorf("%d parameters decay, want %d", len(got), len(want))
	}
}

// checkFinal compares the tuned values after the last step.
func checkFinal(t *testing.T, s *torch.Scope, model models.Model, golden *pet.TensorFile) {
	t.Helper()
	for _, name := range golden.Names() {
		target, ok := strings.CutPrefix(name, "final.")
		if !ok || isRounding(target) {
			continue
		}
		p, ok := model.Registry().Lookup(target)
		if !ok {
			t.Fatalf("the model has no %s", target)
		}
		got, want := p.Tensor.In(s).Detach().ToDevice(torch.CPU), read(t, s, golden, name)
		if slices.Contains(golden.Names(), "positions."+target) {
			got = got.Take(read(t, s, golden, "positions."+target).ToDType(torch.Int64))
		}
		if diff := got.Sub(want).Abs().Max().Item(); diff > 2e-5*math.Max(1, want.Abs().Max().Item()) {
			t.Errorf("%s differs by %g after the last step", target, diff)
		}
	}
}

func openTensors(t *testing.T, path string) *pet.TensorFile {
	t.Helper()
	file, err := pet.OpenTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func read(t *testing.T, s *torch.Scope, file *pet.TensorFile, name string) *torch.Tensor {
	t.Helper()
	tensor, err := file.Read(s, name)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s %.9g, want %.9g within %g", what, got, want, relative)
	}
}

// isRounding tells the parameters that learn nothing else: the gradient of a
// key's bias is zero but for rounding, since softmax does not see a shift, and
// Adam makes steps of that rounding.
func isRounding(name string) bool {
	return strings.HasSuffix(name, "attention.self.key.bias") || strings.HasSuffix(name, "SelfAttention.k.bias")
}
