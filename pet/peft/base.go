package peft

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/models"
	_ "github.com/gopet-ml/gopet/models/bert" // the family bert
	"github.com/gopet-ml/gopet/models/hub"
	_ "github.com/gopet-ml/gopet/models/t5" // the family t5
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// The task types of peft that gopet has models for.
const (
	taskClassify = "SEQ_CLS"
	taskEmbed    = "FEATURE_EXTRACTION"
	taskText     = "SEQ_2_SEQ_LM"
)

// base is the model that an adapter belongs to, with its weights.
type base struct {
	model       models.Model
	modelType   string // of config.json
	fingerprint string
	linears     map[string]*nn.Linear // by name
	modules     []string              // the paths of all modules, those that hold modules included
}

// loadBase loads a model by its directory or its id on the Hub; labels give it a
// head where its checkpoint has none.
func loadBase(ctx context.Context, name, dtype string, labels []string, progress func(done, total int64)) (*base, error) {
	dir, err := hub.Model(ctx, name, hub.Options{Progress: progress})
	if err != nil {
		return nil, err
	}
	config, err := models.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	b := &base{linears: map[string]*nn.Linear{}}
	if b.modelType, err = config.ModelType(); err != nil {
		return nil, err
	}
	options := models.Options{Device: torch.CPU, Labels: labels}
	if options.DType, err = torch.ParseDType(dtype); err != nil {
		return nil, err
	}
	if failure := torch.Try(func() { b.model, err = models.Load(dir, options) }); failure != nil {
		err = failure
	}
	if err != nil {
		return nil, err
	}
	registry := b.model.Registry()
	b.modules = modulesOf(registry.Parameters())
	for _, l := range registry.Linears() {
		b.linears[l.Name] = l
	}
	if b.poolerless() { // in transformers' class it is there
		b.modules = append(b.modules, "bert.pooler", "bert.pooler.dense")
	}
	if b.fingerprint, err = models.Fingerprint(b.model.Base()); err != nil {
		b.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func (b *base) close() { b.model.Close() }

// task is the type of task that peft knows the base by.
func (b *base) task() string {
	switch {
	case len(b.model.Head()) > 0:
		return taskClassify
	case b.isTextToText():
		return taskText
	}
	return taskEmbed
}

func (b *base) isTextToText() bool {
	_, ok := b.model.(models.TextToText)
	return ok
}

// width is the size of the hidden states.
func (b *base) width() int64 { return b.model.Registry().Sublayers()[0].Dim }

// isHead reports whether a layer is the classification head.
func (b *base) isHead(layer string) bool {
	return slices.ContainsFunc(b.model.Head(), func(p *nn.Parameter) bool { return strings.HasPrefix(p.Name, layer+".") })
}

// outer is the name of a module or parameter in transformers' class for the
// task: BertModel has none of the prefix that all others have.
func (b *base) outer(name string) string {
	if b.task() == taskEmbed {
		return strings.TrimPrefix(name, b.modelType+".")
	}
	return name
}

// inner undoes outer, whatever class a name comes from.
func (b *base) inner(name string) string {
	if prefixed := b.modelType + "." + name; slices.Contains(b.modules, prefixed) {
		return prefixed
	}
	return name
}

// modulesOf lists the paths that parameters lie under, sorted.
func modulesOf(parameters []*nn.Parameter) []string {
	var paths []string
	for _, p := range parameters {
		path := p.Name
		for at := strings.LastIndexByte(path, '.'); at > 0; at = strings.LastIndexByte(path, '.') {
			path = path[:at]
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
