package models

import (
	"fmt"
	"maps"
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

// Maker makes a model from a directory and its config.json.
type Maker func(dir string, config *Config, options Options) (Model, error)

// Family is what a model family can do.
type Family struct {
	// Summary says in one line what is read, and what it can be asked.
	Summary string
	// Load makes a model with the checkpoint's values.
	Load Maker
	// Declare makes one without values on torch.Meta, from config.json and,
	// where there are weights, their names. Options.DType and Labels count.
	Declare Maker
}

var families = map[string]Family{}

// Register enters a family under the model_type of its config.json. Entering
// one twice panics.
func Register(modelType string, family Family) {
	if _, taken := families[modelType]; taken {
		panic(fmt.Sprintf("models: family %q registered twice", modelType))
	}
	families[modelType] = family
}

// Types lists the model_type of every registered family.
func Types() []string { return slices.Sorted(maps.Keys(families)) }

// Summary is the line of a registered family about itself.
func Summary(modelType string) string { return families[modelType].Summary }

// Load reads the model in a Hugging Face directory: config.json and the
// weights, whole or in shards. The caller closes the model. Errors are one
// line each and name the file.
func Load(dir string, options Options) (Model, error) {
	return open(dir, options, func(f Family) Maker { return f.Load })
}

// Declare makes the model of a directory's config.json without weights: its
// parameters have names, shapes and dtypes, and take no memory. Nothing can be
// computed with it. The caller closes it.
func Declare(dir string, options Options) (Model, error) {
	return open(dir, options, func(f Family) Maker { return f.Declare })
}

func open(dir string, options Options, maker func(Family) Maker) (Model, error) {
	config, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	modelType, err := config.ModelType()
	if err != nil {
		return nil, err
	}
	family, ok := families[modelType]
	if !ok {
		return nil, fmt.Errorf("%s: model_type %q is not supported: want %s", config.Path, modelType, strings.Join(Types(), " or "))
	}
	return maker(family)(dir, config, options)
}
