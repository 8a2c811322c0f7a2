package apet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/adapter"
	"github.com/gopet-ml/gopet/pet/lora"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

func init() { pet.Register(modules{}) }

// modules is APET as the code of arXiv 2306.02320 runs it: whole tensors, half
// of the budget in modules that it adds, half in the base. Of that code's list
// of candidates, what only its own T5 has is left out: biases that it gives to
// every layer, and LoRA and a position bias in cross-attention. Bottlenecks
// start with an up-projection of zero, so that as with other masks the model
// computes what it did before the first step.
type modules struct{}

func (modules) Name() string { return "apet-modules" }

func (modules) Summary() string {
	return "whole tensors for about k entries: half of LoRA's and adapter's, half of the base"
}

// LearningRate is the paper's. The sweep behind APET's own rule is of masks.
func (modules) LearningRate(int64) float64 { return 3e-4 }

// Dropout is 0, as the reference implementation runs APET.
func (modules) Dropout() float64 { return 0 }

// modulesConfig is what an adapter's configuration says. The tensors are in
// its file; K, Targets and Seed tell how they were picked.
type modulesConfig struct {
	K       int64           `json:"k"`
	Targets string          `json:"targets"`
	Seed    uint64          `json:"seed"`
	LoRA    *lora.Config    `json:"lora,omitempty"`
	Adapter *adapter.Config `json:"adapter,omitempty"`
}

// complete sets what is the method's own.
func complete(o pet.Options) pet.Options {
	o.Init = "zero"
	if o.Targets == "" {
		o.Targets = "all"
	}
	return o
}

// Count is the real number, which may be above or below o.K.
func (modules) Count(m pet.Model, o pet.Options) (int64, error) {
	p, err := pick(m, complete(o))
	if err != nil {
		return 0, err
	}
	n := pet.CountEntries(pet.Stored(p.own))
	for _, l := range p.linears {
		specs, err := lora.Specs(o, l)
		if err != nil {
			return 0, err
		}
		n += pet.CountEntries(specs)
	}
	for _, s := range p.sublayers {
		specs, err := adapter.Specs(o, s)
		if err != nil {
			return 0, err
		}
		n += pet.CountEntries(specs)
	}
	return n, nil
}

func (modules) Attach(m pet.Model, o pet.Options) (pet.Tuning, error) {
	o = complete(o)
	p, err := pick(m, o)
	if err != nil {
		return nil, err
	}
	t := &modulesTuning{own: pet.Free(p.own, true), config: modulesConfig{K: o.K, Targets: o.Targets, Seed: o.Seed}}
	if len(p.linears) > 0 {
		t.lora, err = lora.AttachTo(m, o, p.linears)
	}
	if err == nil && len(p.sublayers) > 0 {
		t.adapter, err = adapter.AttachTo(m, o, p.sublayers)
	}
	if err != nil {
		t.Detach()
		return nil, err
	}
	return t, nil
}

// contents says which parts an adapter has.
func contents(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (c modulesConfig, own []*nn.Parameter, err error) {
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, nil, fmt.Errorf("apet-modules: adapter configuration: %w", err)
	}
	names := tensors.Names()
	for _, p := range m.Registry().Parameters() {
		if slices.Contains(names, p.Name) && !slices.Contains(m.Head(), p) {
			own = append(own, p)
		}
	}
	return c, own, nil
}

func (modules) Restore(m pet.Model, raw json.RawMessage, tensors pet.Tensors) (pet.Tuning, error) {
	c, own, err := contents(m, raw, tensors)
	if err != nil {
		return nil, err
	}
	t := &modulesTuning{own: pet.Free(own, true), config: c}
	if c.LoRA != nil {
		t.lora, err = c.LoRA.Restore(m, tensors)
	}
	if err == nil && c.Adapter != nil {
		t.adapter, err = c.Adapter.Restore(m, tensors)
	}
	if err == nil {
		err = t.own.Load(tensors)
	}
	if err != nil {
		t.Detach()
		return nil, fmt.Errorf("apet-modules: %w", err)
	}
	return t, nil
}

// modulesTuning is tensors of the base, freed, beside two other tunings.
type modulesTuning struct {
	config        modulesConfig
	own           *pet.Own
	lora, adapter pet.Tuning // nil where none was picked
}

var _ pet.Merger = (*modulesTuning)(nil)

// parts are the tunings of what was added.
func (t *modulesTuning) parts() []pet.Tuning {
	return slices.DeleteFunc([]pet.Tuning{t.lora, t.adapter}, func(part pet.Tuning) bool { return part == nil })
}

func (t *modulesTuning) Params() []optim.Param {
	params := t.own.Params()
	for _, part := range t.parts() {
		params = append(params, part.Params()...)
	}
	return params
}

func (t *modulesTuning) Count() int64 {
	n := t.own.Count()
	for _, part := range t.parts() {
		n += part.Count()
	}
	return n
}

func (t *modulesTuning) Config() any {
	c := t.config
	if t.lora != nil {
		part := t.lora.Config().(lora.Config)
		c.LoRA = &part
	}
	if t.adapter != nil {
		part := t.adapter.Config().(adapter.Config)
		c.Adapter = &part
	}
	return c
}

func (t *modulesTuning) Save(s *torch.Scope) []pet.NamedTensor {
	list := t.own.Save(s)
	for _, part := range t.parts() {
		list = append(list, part.Save(s)...)
	}
	return list
}

func (t *modulesTuning) Load(tensors pet.Tensors) error {
	for _, part := range t.parts() {
		if err := part.Load(tensors); err != nil {
			return err
		}
	}
	return t.own.Load(tensors)
}

// Detach takes away what was added first: a layer with LoRA may be freed too.
func (t *modulesTuning) Detach() {
	for _, part := range t.parts() {
		part.Detach()
	}
	t.own.Detach()
	t.lora, t.adapter = nil, nil
}

// Merge folds LoRA's matrices into the base, whose own tensors hold what they
// have learned. Bottlenecks have no place there.
func (t *modulesTuning) Merge() error {
	if t.adapter != nil {
		var at []string
		for _, spec := range t.adapter.Params() {
			if name, ok := strings.CutSuffix(spec.Name, adapter.SuffixDown); ok {
				at = append(at, name)
			}
		}
		return fmt.Errorf("apet-modules picked bottlenecks (%s), which add to the model and cannot be folded into its weights", strings.Join(at, ", "))
	}
	if t.lora != nil {
		return t.lora.(pet.Merger).Merge()
	}
	return nil
}

// Unmerge restores the base: every bit, but for the rounding of LoRA's part.
func (t *modulesTuning) Unmerge() error {
	if t.adapter != nil {
		return errors.New("apet-modules picked bottlenecks: they were not merged")
	}
	if t.lora != nil {
		if err := t.lora.(pet.Merger).Unmerge(); err != nil {
			return err
		}
	}
	return torch.Try(t.own.Restore)
}

// Exact reports whether LoRA has no part in it.
func (t *modulesTuning) Exact() bool { return t.lora == nil }
