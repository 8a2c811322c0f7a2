package peft

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/adapter"
)

// The files of the adapters package's directories; the .bin ones are what it
// writes and reads unless told use_safetensors=True.
const (
	bottleneckFile       = "adapter.safetensors"
	bottleneckPickleFile = "pytorch_adapter.bin"
	headConfigFile       = "head_config.json"
	headFile             = "model_head.safetensors"
	headPickleFile       = "pytorch_model_head.bin"
)

const (
	// adapterName is the name of what gopet exports, a part of each tensor's.
	adapterName = "gopet"
	// adaptersVersion is the release whose format is written.
	adaptersVersion = "adapters.1.3.0"
)

// adaptersConfig is what the adapters package says in every config file.
type adaptersConfig struct {
	Config     any     `json:"config"`
	HiddenSize int64   `json:"hidden_size"`
	ModelClass string  `json:"model_class"`
	ModelName  string  `json:"model_name"`
	ModelType  string  `json:"model_type"`
	Name       *string `json:"name"`
	Version    string  `json:"version"`
}

// bottleneckConfig is what gopet reads and writes of the package's BnConfig.
type bottleneckConfig struct {
	placement
	ReductionFactor float64 `json:"reduction_factor"`
	NonLinearity    string  `json:"non_linearity"`
	Dropout         float64 `json:"dropout"`
}

// placement is where BnConfig puts bottlenecks, and what is done around them.
type placement struct {
	AfterAttention   bool `json:"mh_adapter"`
	AfterFeedForward bool `json:"output_adapter"`
	// NormBefore adds the residual stream and normalises before the bottleneck,
	// NormAfter after it.
	NormBefore bool `json:"original_ln_before"`
	NormAfter  bool `json:"original_ln_after"`
	// ResidualBefore: what goes round the bottleneck is the block's output as it
	// was before NormBefore.
	ResidualBefore bool `json:"residual_before_ln"`
}

// placements are those of gopet's method adapter.
var placements = map[string]placement{
	adapter.Paper:    {AfterAttention: true, AfterFeedForward: true, NormBefore: true},
	adapter.Houlsby:  {AfterAttention: true, AfterFeedForward: true, NormAfter: true, ResidualBefore: true},
	adapter.Pfeiffer: {AfterFeedForward: true, NormBefore: true, NormAfter: true, ResidualBefore: true},
}

// bottleneckFields are the fields of the package's BnConfig.
var bottleneckFields = fields{
	"mh_adapter": anything, "output_adapter": anything, "reduction_factor": aNumber, "non_linearity": anything,
	"original_ln_before": anything, "original_ln_after": anything, "residual_before_ln": oneOf(true, false),
	"dropout": anything, "scaling": oneOf(1.0),
	// What the weights began with.
	"init_weights": anything, "init_weights_seed": anything,
	// Of no effect without ln_after, inv_adapter and phm_layer.
	"adapter_residual_before_ln": anything, "inv_adapter_reduction_factor": anything,
	"phm_dim": anything, "factorized_phm_W": anything, "shared_W_phm": anything, "shared_phm_rule": anything,
	"factorized_phm_rule": anything, "phm_c_init": anything, "phm_init_range": anything, "learn_phm": anything,
	"hypercomplex_nonlinearity": anything, "phm_rank": anything, "phm_bias": anything,
}

// inNames pairs the ends of gopet's tensor names with the package's.
var inNames = map[string]string{
	"adapter_down.weight": "adapter_down.0.weight", "adapter_down.bias": "adapter_down.0.bias",
	"adapter_up.weight": "adapter_up.weight", "adapter_up.bias": "adapter_up.bias",
}

func exportBottleneck(t *tuned) (*directory, error) {
	var config adapter.Config
	if err := json.Unmarshal(t.config.Config, &config); err != nil {
		return nil, err
	}
	where, ok := placements[config.Placement]
	if !ok {
		return nil, fmt.Errorf("placement %q has no equal in the adapters package", config.Placement)
	}
	file := tensors{}
	for _, name := range t.tensors.Names() {
		for end, theirs := range inNames {
			if module, ok := strings.CutSuffix(name, "."+end); ok {
				file.add(renamed(t.tensors[name], t.outer(module)+".adapters."+adapterName+"."+theirs))
			}
		}
	}
	d := &directory{
		configs: map[string]any{pet.AdapterConfigFile: t.adaptersConfig(bottleneckConfig{
			placement: where, ReductionFactor: reductionFactor(t.width(), config.Bottleneck), NonLinearity: config.Activation,
		})},
		files:   map[string]tensors{bottleneckFile: file},
		origin:  newOrigin(t.config),
		remarks: []string{"the adapters package reads it with use_safetensors=True"},
	}
	if len(t.head) > 0 {
		t.addHead(d)
	}
	return d, nil
}

func (t *tuned) adaptersConfig(config any) adaptersConfig {
	name := adapterName
	class := map[string]string{
		taskClassify: "BertForSequenceClassification", taskEmbed: "BertModel", taskText: "T5ForConditionalGeneration",
	}[t.task()]
	return adaptersConfig{
		Config: config, HiddenSize: t.width(), ModelClass: class, ModelName: t.config.BaseModel, ModelType: t.modelType,
		Name: &name, Version: adaptersVersion,
	}
}

// reductionFactor is a quotient whose whole part the package finds to be the
// width of the bottleneck, whatever the rounding.
func reductionFactor(hidden, width int64) float64 {
	if hidden%width == 0 {
		return float64(hidden / width)
	}
	return float64(hidden) / (float64(width) + 0.5)
}

// readBottleneck reads an adapter directory of the adapters package.
func readBottleneck(dir string, config map[string]json.RawMessage) (*foreign, error) {
	var common struct {
		Config    map[string]json.RawMessage `json:"config"`
		ModelType string                     `json:"model_type"`
		Name      string                     `json:"name"`
		Version   string                     `json:"version"`
	}
	if err := decode(config, &common); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(common.Version, "adapters.") {
		return nil, fmt.Errorf("version %q: want a directory of the adapters package, which writes %q", common.Version, adaptersVersion)
	}
	if raw, ok := common.Config["architecture"]; ok && string(raw) != "null" {
		return nil, fmt.Errorf("architecture %s is not supported: gopet reads bottlenecks of the adapters package", raw)
	}
	stored, origin, err := readTensors(dir, bottleneckFile, bottleneckPickleFile)
	if err != nil {
		return nil, err
	}
	f := &foreign{format: FormatAdapters, kind: "bottleneck", origin: origin}
	f.convert = func(b *base) (*restorable, error) {
		if b.modelType != common.ModelType {
			return nil, fmt.Errorf("it is for a model of type %q, not %q", common.ModelType, b.modelType)
		}
		if f.output != nil {
			if err := b.checkOutput(*f.output); err != nil {
				return nil, err
			}
		}
		return importBottleneck(f, b, common.Config, common.Name, stored)
	}
	return f, f.readAdaptersHead(dir)
}

func importBottleneck(f *foreign, b *base, fields map[string]json.RawMessage, name string, stored tensors) (*restorable, error) {
	config := bottleneckConfig{placement: placement{NormAfter: true, ResidualBefore: true}} // the package's defaults
	if err := decodeFields(fields, bottleneckFields, &config); err != nil {
		return nil, err
	}
	if config.Dropout != 0 {
		f.remarks = append(f.remarks, fmt.Sprintf("dropout = %g acts in training alone and is left out", config.Dropout))
	}
	where, err := config.placement.name()
	if err != nil {
		return nil, err
	}
	result := &restorable{method: "adapter", tensors: tensors{}}
	var width int64
	for _, key := range stored.Names() {
		ours, err := bottleneckName(b, key, name)
		if err != nil {
			return nil, err
		}
		result.tensors.add(renamed(stored[key], ours))
		if strings.HasSuffix(ours, ".adapter_down.weight") {
			shape := stored[key].Shape
			if len(shape) != 2 || shape[1] != b.width() {
				return nil, fmt.Errorf("tensor %q has shape %v, and the model's width is %d", key, shape, b.width())
			}
			width = shape[0]
		}
	}
	if width == 0 {
		return nil, errors.New("it has no tensors of a bottleneck")
	}
	result.config, err = json.Marshal(adapter.Config{Bottleneck: width, Activation: config.NonLinearity, Placement: where})
	return result, err
}

// name is gopet's name of a placement.
func (p placement) name() (string, error) {
	if !p.NormBefore { // then this is the same either way
		p.ResidualBefore = true
	}
	for _, name := range slices.Sorted(maps.Keys(placements)) {
		if placements[name] == p {
			return name, nil
		}
	}
	return "", fmt.Errorf("mh_adapter %t, output_adapter %t, original_ln_before %t, original_ln_after %t, residual_before_ln %t: no placement of gopet",
		p.AfterAttention, p.AfterFeedForward, p.NormBefore, p.NormAfter, p.ResidualBefore)
}

// bottleneckName is gopet's name for a tensor of the package's adapter.
func bottleneckName(b *base, key, name string) (string, error) {
	if module, rest, ok := strings.Cut(key, ".adapters."+name+"."); ok {
		for ours, theirs := range inNames {
			if rest == theirs {
				return b.inner(module) + "." + ours, nil
			}
		}
	}
	return "", fmt.Errorf("tensor %q is no part of a bottleneck that gopet knows", key)
}
