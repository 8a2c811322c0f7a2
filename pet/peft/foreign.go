package peft

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// The parameters of a classification head.
const (
	headWeight = "classifier.weight"
	headBias   = "classifier.bias"
)

// foreign is an adapter of another library, read.
type foreign struct {
	format string
	kind   string  // what the format calls the method
	head   tensors // headWeight and headBias, or none
	pooler tensors // before the head; empty where the adapter brings none
	// firstToken says that the head reads the first token, without a pooler.
	firstToken bool
	labels     []string           // of the head; nil where the format does not keep them
	output     *checkpoint.Tensor // of a text-to-text model; nil where the adapter has none of its own
	origin     *origin            // nil where gopet did not write it
	remarks    []string
	// convert makes of it what a method of gopet restores, on its base.
	convert func(*base) (*restorable, error)
}

// restorable is an adapter as a method's Restore takes it.
type restorable struct {
	method  string
	config  json.RawMessage
	tensors tensors
}

// readForeign finds out what a directory holds, and reads it.
func readForeign(dir string) (*foreign, error) {
	if _, err := os.Stat(filepath.Join(dir, BitFitFile)); err == nil {
		return readBitFit(dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, pet.AdapterConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("neither %s nor %s: want a directory of an adapter", pet.AdapterConfigFile, BitFitFile)
	}
	if err != nil {
		return nil, err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", pet.AdapterConfigFile, err)
	}
	switch {
	case string(config["peft_type"]) == `"GOPET"`:
		return nil, errors.New("it is an adapter of gopet already")
	case config["peft_type"] != nil:
		return readPEFT(dir, config)
	case config["model_type"] != nil:
		return readBottleneck(dir, config)
	}
	return nil, fmt.Errorf("%s: neither the peft_type of PEFT nor the model_type of the adapters package", pet.AdapterConfigFile)
}

// headRows is the number of classes of the head; 0 without one, or with one of
// no width.
func (f *foreign) headRows() int {
	weight := f.head[headWeight]
	if len(weight.Shape) == 0 || len(weight.Data) == 0 {
		return 0
	}
	return int(weight.Shape[0])
}

// headLabels name the classes of the head that the base gets if it has none.
func (f *foreign) headLabels(labels []string) []string {
	rows := f.headRows()
	if labels != nil || rows == 0 {
		return labels[:min(rows, len(labels))]
	}
	for i := range rows {
		labels = append(labels, fmt.Sprint("LABEL_", i))
	}
	return labels
}

// attach puts the adapter on its base.
func (f *foreign) attach(b *base) (*pet.Attached, error) {
	if len(f.head) > 0 && len(b.model.Head()) == 0 {
		return nil, fmt.Errorf("it has a classification head, for which a model of type %s has no place", b.modelType)
	}
	r, err := f.convert(b)
	if err != nil {
		return nil, err
	}
	method, err := pet.Lookup(r.method)
	if err != nil {
		return nil, err
	}
	if err := f.takePooler(b); err != nil {
		return nil, err
	}
	for _, name := range f.head.Names() {
		r.tensors.add(f.head[name])
	}
	return pet.Restore(b.model, method, r.config, r.tensors, len(f.head) > 0, false)
}

// tensorFile is an open file of tensors: safetensors, or what torch.save wrote.
type tensorFile interface {
	Names() []string
	Info(name string) (checkpoint.Info, bool)
	ReadInto(name string, dst []byte) error
	Close() error
}

// readTensors reads the first of some files that is in a directory, floats of
// any type as float32, and the origin in its metadata.
func readTensors(dir string, names ...string) (tensors, *origin, error) {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if filepath.Ext(path) != ".safetensors" {
			file, err := checkpoint.OpenPickle(path)
			if err != nil {
				return nil, nil, err
			}
			stored, err := readAll(file)
			return stored, nil, err
		}
		file, err := checkpoint.OpenFile(path)
		if err != nil {
			return nil, nil, err
		}
		origin, err := originOf(file.Metadata())
		if err != nil {
			file.Close()
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		stored, err := readAll(file)
		return stored, origin, err
	}
	return nil, nil, fmt.Errorf("none of %s", strings.Join(names, ", "))
}

// readAll reads every tensor of a file and closes it.
func readAll(file tensorFile) (tensors, error) {
	defer file.Close()
	stored := tensors{}
	for _, name := range file.Names() {
		t, err := readTensor(file, name)
		if err != nil {
			return nil, err
		}
		stored.add(t)
	}
	return stored, nil
}

func readTensor(file tensorFile, name string) (checkpoint.Tensor, error) {
	info, _ := file.Info(name)
	dtype, known := models.TorchDType(info.DType)
	if !known || !dtype.IsFloatingPoint() && !strings.HasSuffix(name, "."+shiraIndices) {
		return checkpoint.Tensor{}, fmt.Errorf("tensor %q is %s, want floats", name, info.DType)
	}
	t := checkpoint.Tensor{Name: name, DType: info.DType, Shape: info.Shape, Data: make([]byte, info.NumBytes())}
	if err := file.ReadInto(name, t.Data); err != nil {
		return t, err
	}
	if !dtype.IsFloatingPoint() || dtype == torch.Float32 {
		return t, nil
	}
	err := torch.Try(func() {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		stored := torch.Empty(s, dtype, t.Shape...)
		copy(stored.Bytes(), t.Data)
		t.DType, t.Data = checkpoint.Float32, slices.Clone(stored.ToDType(torch.Float32).Bytes())
	})
	return t, err
}
