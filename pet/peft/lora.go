package peft

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/pet/lora"
)

// loraParts are the ends of tensor names, in peft's files as in gopet's.
var loraParts = []string{strings.TrimPrefix(lora.SuffixA, "."), strings.TrimPrefix(lora.SuffixB, ".")}

// loraConfig is what gopet reads and writes of peft's LoraConfig.
type loraConfig struct {
	commonConfig
	targetConfig
	R       int64   `json:"r"`
	Alpha   float64 `json:"lora_alpha"`
	Dropout float64 `json:"lora_dropout"`
	RSLoRA  bool    `json:"use_rslora"`
}

// loraFields are the fields of peft's LoraConfig.
var loraFields = fields{
	"r": anything, "lora_alpha": anything, "lora_dropout": anything, "use_rslora": anything,
	"bias": oneOf("none", nil),
	// What the matrices began with; other ways to begin change the base's weights.
	"init_lora_weights": oneOf(true, false, nil, "gaussian", "orthogonal"),
	// Of no effect without what they belong to.
	"megatron_core": anything, "qalora_group_size": anything, "runtime_config": anything,
}.with(selectionFields)

func exportLoRA(t *tuned) (*directory, error) {
	var config lora.Config
	if err := json.Unmarshal(t.config.Config, &config); err != nil {
		return nil, err
	}
	d := t.peftDirectory(injectedPrefix)
	var layers []string
	for _, name := range t.tensors.Names() {
		d.files[peftModelFile].add(renamed(t.tensors[name], injectedPrefix+t.outer(name)))
		if layer, ok := strings.CutSuffix(name, lora.SuffixA); ok {
			layers = append(layers, layer)
		}
	}
	d.configs[peftConfigFile] = loraConfig{
		commonConfig: t.commonConfig("LORA"), targetConfig: targetConfig{t.targets(layers)},
		R: config.Rank, Alpha: config.Alpha,
	}
	return d, nil
}

func importLoRA(f *peftAdapter, b *base) (*restorable, error) {
	config := loraConfig{R: 8, Alpha: 8} // peft's defaults
	if err := f.decode(&config, loraFields); err != nil {
		return nil, err
	}
	if config.R < 1 {
		return nil, fmt.Errorf("r = %d: want 1 or more", config.R)
	}
	if config.Dropout != 0 {
		f.remarks = append(f.remarks, fmt.Sprintf("lora_dropout = %g acts in training alone and is left out", config.Dropout))
	}
	layers, err := f.layers(b, loraParts...)
	if err != nil {
		return nil, err
	}
	result := &restorable{method: "lora", tensors: tensors{}}
	var names []string
	for _, l := range layers {
		for _, part := range loraParts {
			result.tensors.add(renamed(f.tensors[l.outer+"."+part], l.name+"."+part))
		}
		want := []int64{config.R, b.linears[l.name].In}
		if a := f.tensors[l.outer+lora.SuffixA]; !slices.Equal(a.Shape, want) {
			return nil, fmt.Errorf("tensor %q has shape %v, which should be %v", a.Name, a.Shape, want)
		}
		names = append(names, l.name)
	}
	if config.RSLoRA { // which divides by the root of the rank
		config.Alpha *= math.Sqrt(float64(config.R))
	}
	result.config, err = json.Marshal(lora.Config{Rank: config.R, Alpha: config.Alpha, Targets: b.expression(names)})
	return result, err
}
