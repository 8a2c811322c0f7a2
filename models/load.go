package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/torch"
)

// Options say what a model is loaded as.
type Options struct {
	DType  torch.DType  // of linear layers and embeddings; norms stay float32 under a half precision
	Device torch.Device // where the parameters go
	// Labels give a checkpoint without a classification head a new one; a
	// checkpoint with a head keeps its own.
	Labels []string
	Seed   uint64 // of the new head's weights
}

// Loader makes a model of one family from a directory and its config.json.
type Loader func(dir string, config *Config, options Options) (Model, error)

var families = map[string]Loader{}

// Register enters a family under the model_type of its config.json. Entering
// one twice panics.
func Register(modelType string, load Loader) {
	if _, taken := families[modelType]; taken {
		panic(fmt.Sprintf("models: family %q registered twice", modelType))
	}
	families[modelType] = load
}

// Load reads the model in a Hugging Face directory: config.json and
// model.safetensors, whole or in shards. The caller closes the model. Errors
// are one line each and name the file.
func Load(dir string, options Options) (Model, error) {
	config, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	modelType, err := config.ModelType()
	if err != nil {
		return nil, err
	}
	load, ok := families[modelType]
	if !ok {
		return nil, fmt.Errorf("%s: model_type %q is not supported: want %s", config.Path, modelType, known())
	}
	return load(dir, config, options)
}

func known() string {
	var names []string
	for name := range families {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}
