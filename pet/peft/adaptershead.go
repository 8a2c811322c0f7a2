package peft

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// headConfig is head_config.json of a classifier that transformers made.
type headConfig struct {
	adaptersConfig
	Labels    map[string]int `json:"label2id"`
	NumLabels int            `json:"num_labels"`
}

// flexHead is the configuration of a head that the package makes: one layer
// over the pooler or over the first token, as gopet's.
type flexHead struct {
	Type      string         `json:"head_type"`
	Labels    map[string]int `json:"label2id"`
	NumLabels int            `json:"num_labels"`
	Layers    int            `json:"layers"`
	Pooler    bool           `json:"use_pooler"`
	Bias      bool           `json:"bias"`
}

// flexFields are the fields of a flexHead.
var flexFields = fields{
	"head_type": oneOf("classification"), "layers": oneOf(1.0), "use_pooler": oneOf(true, false), "bias": oneOf(true),
	"num_labels": anything, "label2id": anything, "dropout_prob": anything,
	"activation_function": anything, // between layers
}

// addHead puts the head's files beside an adapter: transformers' classifier,
// or a head of the package where that would get a pooler that is not the base's.
func (t *tuned) addHead(d *directory) {
	labels := t.config.Labels
	if labels == nil {
		labels = models.Labels(t.model)
	}
	numbers := map[string]int{}
	for i, label := range labels {
		numbers[label] = i
	}
	if !t.poolerless() {
		c := headConfig{adaptersConfig: t.adaptersConfig(nil), Labels: numbers, NumLabels: len(labels)}
		c.Name = nil
		d.configs[headConfigFile], d.files[headFile] = c, t.head
		return
	}
	c := t.adaptersConfig(flexHead{"classification", numbers, len(labels), 1, false, true})
	c.ModelClass = "BertAdapterModel"
	file := tensors{}
	for _, name := range t.head.Names() {
		file.add(renamed(t.head[name], strings.Replace(name, "classifier.", flexLayer(adapterName), 1)))
	}
	d.configs[headConfigFile], d.files[headFile] = c, file
}

// flexLayer is how the layer of a flexHead is called; a dropout comes before it.
func flexLayer(name string) string { return "heads." + name + ".1." }

// readAdaptersHead reads the head beside an adapter, where there is one.
func (f *foreign) readAdaptersHead(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, headConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var config struct {
		Config map[string]json.RawMessage `json:"config"`
		Labels map[string]int             `json:"label2id"`
		Name   string                     `json:"name"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return fmt.Errorf("%s: %w", headConfigFile, err)
	}
	var flex flexHead
	if err := decodeFields(config.Config, flexFields, &flex); err != nil {
		return fmt.Errorf("%s: %w", headConfigFile, err)
	}
	if config.Config != nil {
		config.Labels, f.firstToken = flex.Labels, !flex.Pooler
	}
	stored, _, err := readTensors(dir, headFile, headPickleFile)
	if err != nil {
		return err
	}
	if output, ok := stored[outputWeight]; ok && len(stored) == 1 {
		f.output = &output
		return nil
	}
	f.head = tensors{}
	for _, key := range stored.Names() {
		name := key
		if config.Config != nil {
			name = strings.Replace(key, flexLayer(config.Name), "classifier.", 1)
		}
		if name != headWeight && name != headBias {
			return fmt.Errorf("tensor %q is no part of a head that gopet knows", key)
		}
		f.head.add(renamed(stored[key], name))
	}
	f.labels, err = inOrder(config.Labels)
	return err
}

// outputWeight is the layer of T5 that the package saves as a head.
const outputWeight = "lm_head.weight"

// checkOutput refuses an output layer that is not the base's.
func (b *base) checkOutput(output checkpoint.Tensor) error {
	for _, l := range b.model.Registry().Linears() {
		if l.Name+".weight" != outputWeight {
			continue
		}
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		own, err := store([]pet.NamedTensor{{Name: outputWeight, Tensor: l.Weight.Tensor.In(s)}})
		if err != nil {
			return err
		}
		if bytes.Equal(own[outputWeight].Data, output.Data) {
			return nil
		}
		return fmt.Errorf("its %s holds an lm_head other than the base's, and gopet keeps none beside an adapter", headFile)
	}
	return fmt.Errorf("its %s holds an lm_head, which a model of type %s has not", headFile, b.modelType)
}

// inOrder lists labels by their numbers, which must be 0, 1 and so on.
func inOrder(numbers map[string]int) ([]string, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	labels := make([]string, len(numbers))
	for label, i := range numbers {
		if i < 0 || i >= len(labels) || labels[i] != "" {
			return nil, fmt.Errorf("%s: label2id numbers %q as %d", headConfigFile, label, i)
		}
		labels[i] = label
	}
	return labels, nil
}
