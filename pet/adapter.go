package pet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/internal/version"
	"github.com/gopet-ml/gopet/torch"
)

// The files of an adapter directory, named as Hugging Face PEFT names its own.
const (
	AdapterConfigFile = "adapter_config.json"
	AdapterModelFile  = "adapter_model.safetensors"
)

// peftType tells our files from those of Hugging Face PEFT.
const peftType = "GOPET"

// AdapterConfig is adapter_config.json: which method, on which base, for what.
type AdapterConfig struct {
	PEFTType        string          `json:"peft_type"`
	GopetVersion    string          `json:"gopet_version"`
	Method          string          `json:"method"`
	Config          json.RawMessage `json:"config"`
	BaseModel       string          `json:"base_model_name_or_path"`
	BaseFingerprint string          `json:"base_fingerprint"`
	BaseShape       string          `json:"base_shape"` // how many tensors and entries, and the first tensor
	Task            string          `json:"task,omitempty"`
	Text            []string        `json:"text,omitempty"`  // the columns the task reads
	Label           string          `json:"label,omitempty"` // the column of its labels
	Labels          []string        `json:"labels,omitempty"`
	MaxLength       int             `json:"max_length,omitempty"` // tokens a row had at most
	MaxTarget       int             `json:"max_target,omitempty"` // tokens a text to generate had at most
	DType           string          `json:"dtype,omitempty"`      // of the base
	Count           int64           `json:"trainable"`
	Head            bool            `json:"head"` // the file holds the classification head
}

// Base says what an adapter was tuned on and for.
type Base struct {
	Model       string // directory or id, as the user gave it
	Fingerprint string // of the pretrained parameters
	Task        string
	Text        []string // the columns it reads
	Label       string   // the column of its labels
	Labels      []string
	MaxLength   int // tokens a row had at most
	MaxTarget   int // tokens a text to generate had at most; 0: no limit
}

// SaveAdapter makes or replaces the adapter directory dir, whole or not at all.
func SaveAdapter(dir string, a *Attached, base Base) error {
	method, err := json.Marshal(a.Tuning.Config())
	if err != nil {
		return fmt.Errorf("adapter %s: %w", dir, err)
	}
	config, err := json.MarshalIndent(AdapterConfig{
		PEFTType: peftType, GopetVersion: version.Version, Method: a.Method.Name(), Config: method,
		BaseModel: base.Model, BaseFingerprint: base.Fingerprint, BaseShape: a.shape, Task: base.Task, Text: base.Text, Label: base.Label, Labels: base.Labels,
		MaxLength: base.MaxLength, MaxTarget: base.MaxTarget, DType: a.dtype.String(), Count: a.Count(), Head: len(a.head) > 0,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("adapter %s: %w", dir, err)
	}
	return atomicfile.WriteDir(dir, func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, AdapterConfigFile), append(config, '\n'), 0o666); err != nil {
			return err
		}
		return a.SaveTensors(filepath.Join(dir, AdapterModelFile))
	})
}

// SaveTensors writes what the method and the head have learned to one
// safetensors file.
func (a *Attached) SaveTensors(path string) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	var list []NamedTensor
	if err := torch.Try(func() { list = a.Save(s) }); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteTensors(path, append(list, (&Own{parameters: a.head}).Save(s)...))
}

// LoadTensors replaces what the method and the head have learned by the
// content of a file that SaveTensors of the same tuning wrote.
func (a *Attached) LoadTensors(path string) error {
	file, err := OpenTensors(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return torchErr(func() error {
		if err := a.Load(file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := (&Own{parameters: a.head}).Load(file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

// ReadAdapterConfig reads the adapter_config.json of an adapter directory.
func ReadAdapterConfig(dir string) (AdapterConfig, error) {
	var config AdapterConfig
	path := filepath.Join(dir, AdapterConfigFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config, fmt.Errorf("%s: no %s: want an adapter directory, such as RUN/adapter", dir, AdapterConfigFile)
	}
	if err != nil {
		return config, err
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return config, fmt.Errorf("%s: %w", path, err)
	}
	if config.PEFTType != peftType {
		return config, fmt.Errorf("%s: peft_type %q: this is no adapter of gopet (%q)", path, config.PEFTType, peftType)
	}
	return config, nil
}

// LoadAdapter attaches the adapter in dir to a model whose pretrained
// parameters have the fingerprint. Its head, if it has one, replaces the
// model's and is trained on unless trainHead is false.
func LoadAdapter(dir string, m Model, fingerprint string, trainHead bool) (*Attached, error) {
	config, err := ReadAdapterConfig(dir)
	if err != nil {
		return nil, err
	}
	if dtype := m.Registry().DType().String(); config.DType != dtype {
		return nil, fmt.Errorf("%s: tuned on a base in %s, and this one is in %s: load it with --dtype %[2]s", dir, config.DType, dtype)
	}
	if config.BaseFingerprint != fingerprint {
		return nil, fmt.Errorf("%s: tuned on another base model (%s, fingerprint %.12s; this one has %.12s)%s; give the base it was tuned on",
			dir, config.BaseModel, config.BaseFingerprint, fingerprint, otherShape(config.BaseShape, shapeOf(m)))
	}
	method, err := Lookup(config.Method)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	file, err := OpenTensors(filepath.Join(dir, AdapterModelFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	a, err := Restore(m, method, config.Config, file, config.Head, trainHead)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if n := a.Count(); n != config.Count {
		a.Detach()
		return nil, fmt.Errorf("%s: %s says %d tuned parameters, its file has %d", dir, AdapterConfigFile, config.Count, n)
	}
	return a, nil
}

// shapeOf describes the size of a model without its head.
func shapeOf(m Model) string {
	parameters := Pretrained(m)
	first := parameters[0]
	return fmt.Sprintf("%d tensors, %d entries, %q %v", len(parameters), CountEntries(Stored(parameters)), first.Name, first.Tensor.Shape())
}

// otherShape says how the shape of an adapter's base differs from a model's.
func otherShape(base, model string) string {
	if base == "" || base == model {
		return ""
	}
	return fmt.Sprintf(": that has %s; this one %s", base, model)
}

// Restore attaches a method to a model, with the configuration and the tensors
// of an adapter that the method's tuning saved. With head the tensors hold the
// model's head too, which is trained on unless trainHead is false.
func Restore(m Model, method Method, config json.RawMessage, tensors Tensors, head, trainHead bool) (*Attached, error) {
	var a *Attached
	err := torchErr(func() (err error) {
		a, err = attach(m, method, trainHead, func() (Tuning, error) { return method.Restore(m, config, tensors) })
		if err != nil {
			return err
		}
		if err := a.checkNames(tensors); err != nil || !head {
			return err
		}
		return (&Own{parameters: m.Head()}).Load(tensors)
	})
	if err != nil && a != nil {
		a.Detach()
		a = nil
	}
	return a, err
}

// checkNames refuses an adapter with tensors that neither the tuning nor the
// head would save.
func (a *Attached) checkNames(tensors Tensors) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	known := map[string]bool{}
	for _, t := range a.Save(s) {
		known[t.Name] = true
	}
	for _, p := range a.head {
		known[p.Name] = true
	}
	for _, name := range tensors.Names() {
		if !known[name] {
			return fmt.Errorf("tensor %q is no part of an adapter of %s on this model", name, a.Method.Name())
		}
	}
	return nil
}

// torchErr runs f and returns its error, or the *torch.Error it panicked with.
func torchErr(f func() error) (err error) {
	if failure := torch.Try(func() { err = f() }); failure != nil {
		return failure
	}
	return err
}
