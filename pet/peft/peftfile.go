package peft

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The files of peft's adapter directories.
const (
	peftConfigFile = "adapter_config.json"
	peftModelFile  = "adapter_model.safetensors"
	peftPickleFile = "adapter_model.bin"
)

// What peft puts before the names of the base's tensors: its wrappers' names.
const (
	injectedPrefix = "base_model.model." // of methods that change modules
	promptPrefix   = "base_model."       // of prompts
)

// headModules are what peft lets train beside the adapter of a classifier; BERT
// has the first.
var headModules = []string{"classifier", "score"}

// commonConfig are the fields of every configuration of peft.
type commonConfig struct {
	PEFTType      string   `json:"peft_type"`
	TaskType      string   `json:"task_type"`
	BaseModel     string   `json:"base_model_name_or_path"`
	InferenceMode bool     `json:"inference_mode"`
	ModulesToSave []string `json:"modules_to_save"`
}

var commonFields = fields{
	"peft_type": anything, "task_type": anything, "modules_to_save": anything, // read
	"base_model_name_or_path": anything, "revision": anything, "auto_mapping": anything, "peft_version": anything,
	"inference_mode": anything,
}

func (t *tuned) commonConfig(kind string) commonConfig {
	c := commonConfig{PEFTType: kind, TaskType: t.task(), BaseModel: t.config.BaseModel, InferenceMode: true}
	if len(t.head) > 0 {
		c.ModulesToSave = headModules
	}
	if _, ok := t.head[poolerWeight]; ok {
		c.ModulesToSave = append(slices.Clone(headModules), poolerModule)
	}
	return c
}

// peftDirectory is one with the head, whose names get the prefix.
func (t *tuned) peftDirectory(prefix string) *directory {
	file := tensors{}
	for _, name := range t.head.Names() {
		file.add(renamed(t.head[name], prefix+name))
	}
	return &directory{
		configs: map[string]any{}, files: map[string]tensors{peftModelFile: file}, origin: newOrigin(t.config),
	}
}

// peftKinds are the peft_types that there are conversions of.
var peftKinds = map[string]func(*peftAdapter, *base) (*restorable, error){
	"LORA": importLoRA, "PROMPT_TUNING": importPrompt, "SHIRA": importSHiRA,
}

// peftAdapter is an adapter of peft, read.
type peftAdapter struct {
	*foreign
	config  map[string]json.RawMessage
	tensors tensors // the method's, by their names without prefix
}

// readPEFT reads an adapter directory of peft. Its configuration is checked
// when it is converted.
func readPEFT(dir string, config map[string]json.RawMessage) (*foreign, error) {
	var common commonConfig
	if err := decode(config, &common); err != nil {
		return nil, err
	}
	convert, ok := peftKinds[common.PEFTType]
	if !ok {
		return nil, fmt.Errorf("peft_type %q is not supported: want LORA, PROMPT_TUNING or SHIRA", common.PEFTType)
	}
	if tasks := []string{"", taskClassify, taskEmbed, taskText}; !slices.Contains(tasks, common.TaskType) {
		return nil, fmt.Errorf("task_type %q is not supported: want %s", common.TaskType, strings.Join(tasks[1:], ", "))
	}
	stored, origin, err := readTensors(dir, peftModelFile, peftPickleFile)
	if err != nil {
		return nil, err
	}
	f := &peftAdapter{
		foreign: &foreign{format: FormatPEFT, kind: common.PEFTType, head: tensors{}, pooler: tensors{}, origin: origin},
		config:  config, tensors: tensors{},
	}
	f.convert = func(b *base) (*restorable, error) { return convert(f, b) }
	if err := f.sort(stored); err != nil {
		return nil, err
	}
	for _, module := range common.ModulesToSave {
		if !slices.Contains(headModules, module) && (module != poolerModule || len(f.pooler) == 0) {
			return nil, errNotKept(module)
		}
	}
	return f.foreign, nil
}

func errNotKept(module string) error {
	return fmt.Errorf("modules_to_save names %q, and gopet keeps only a classifier beside a method", module)
}

// sort parts the head and the pooler from the method's tensors and takes the
// prefixes away.
func (f *peftAdapter) sort(stored tensors) error {
	for _, key := range stored.Names() {
		name := savedName(strings.TrimPrefix(strings.TrimPrefix(key, promptPrefix), "model."))
		into := f.tensors
		switch name {
		case headWeight, headBias:
			into = f.head
		case poolerWeight, poolerBias:
			into = f.pooler
		}
		if _, twice := into[name]; twice {
			return fmt.Errorf("tensor %q comes twice, under other prefixes", name)
		}
		into.add(renamed(stored[key], name))
	}
	return nil
}

// savedName is a parameter's name without peft's wrapper, of which releases of
// peft differ in how much they leave.
func savedName(name string) string {
	module, parameter, wrapped := strings.Cut(name, ".modules_to_save.")
	if !wrapped {
		return name
	}
	return module + "." + strings.TrimPrefix(parameter, "default.")
}

// decode checks the configuration and sets the fields of v from it.
func (f *peftAdapter) decode(v any, known fields) error {
	return decodeFields(f.config, known.with(commonFields), v)
}

// layer is a linear layer that an adapter has tensors of.
type layer struct {
	name  string // in gopet
	outer string // in the adapter
}

// layers lists the linear layers that the tensors belong to. Each must have
// tensors of all parts and no others, and be one that the configuration selects.
func (f *peftAdapter) layers(b *base, parts ...string) ([]layer, error) {
	var list []layer
	for _, name := range f.tensors.Names() {
		part := slices.IndexFunc(parts, func(part string) bool { return strings.HasSuffix(name, "."+part) })
		if part < 0 {
			return nil, fmt.Errorf("tensor %q is no part of %s that gopet knows", name, f.kind)
		}
		outer := strings.TrimSuffix(name, "."+parts[part])
		inner := b.inner(outer)
		if _, ok := b.linears[inner]; !ok {
			return nil, fmt.Errorf("tensor %q: the base has no linear layer %q", name, outer)
		}
		if l := (layer{inner, outer}); !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	for _, l := range list {
		for _, part := range parts {
			if _, ok := f.tensors[l.outer+"."+part]; !ok {
				return nil, fmt.Errorf("tensor %q is missing", l.outer+"."+part)
			}
		}
	}
	if len(list) == 0 {
		return nil, errors.New("it has no tensors of its method")
	}
	var selected selection
	if err := decode(f.config, &selected); err != nil {
		return nil, err
	}
	return list, selected.check(b, list)
}
