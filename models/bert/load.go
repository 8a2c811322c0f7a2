package bert

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

const (
	poolerWeight = "bert.pooler.dense.weight"
	headWeight   = "classifier.weight"
)

// declare is the family's models.Declare. Without weights to look at, the
// model has a pooler, as transformers' models have.
func declare(dir string, file *models.Config, o models.Options) (models.Model, error) {
	config, err := ParseConfig(file)
	if err != nil {
		return nil, err
	}
	held := contents{pooler: true}
	if c, err := checkpoint.Open(dir); err == nil {
		defer c.Close()
		if held, err = inspect(c, config); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	registry := nn.NewRegistry(o.DType, torch.Meta)
	m, err := build(registry, config, held, o.Labels)
	if err != nil {
		registry.Close()
		return nil, err
	}
	m.file = file
	return m, nil
}

// load is the family's models.Load.
func load(dir string, file *models.Config, o models.Options) (models.Model, error) {
	m, err := loadModel(dir, file, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func loadModel(dir string, file *models.Config, o models.Options) (*Model, error) {
	config, err := ParseConfig(file)
	if err != nil {
		return nil, err
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	held, err := inspect(c, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	registry := nn.NewRegistry(o.DType, o.Device)
	m, err := build(registry, config, held, o.Labels)
	if err == nil {
		m.file = file
		err = m.fill(dir, c, held, o.Seed)
	}
	if err != nil {
		registry.Close()
		return nil, err
	}
	return m, nil
}

// contents is what a checkpoint holds of a model.
type contents struct {
	keys   map[string]string // its keys by canonical name
	labels []string          // of its head; nil without one
	pooler bool
}

func inspect(c *checkpoint.Checkpoint, config Config) (held contents, err error) {
	if held.keys, err = keysOf(c.Names()); err != nil {
		return contents{}, err
	}
	_, held.pooler = held.keys[poolerWeight]
	if head, ok := c.Info(held.keys[headWeight]); ok && len(head.Shape) > 0 {
		held.labels, err = config.labels(head.Shape[0])
	}
	return held, err
}

// build declares the model; it fails where there is no memory for it.
func build(registry *nn.Registry, config Config, held contents, newLabels []string) (m *Model, err error) {
	labels := held.labels
	if labels == nil {
		labels = newLabels
	}
	err = torch.Try(func() { m = newModel(registry, config, labels, held.pooler) })
	return m, err
}

// fill reads the parameters that the checkpoint holds and makes a new head
// where it has none.
func (m *Model) fill(dir string, c *checkpoint.Checkpoint, held contents, seed uint64) error {
	stored := m.registry.Parameters()
	if held.labels == nil {
		stored = m.Base()
	}
	if err := models.CheckParameters(c, stored, held.keys); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if m.head != nil && held.labels == nil {
		if err := m.head.initialise(m.config.InitializerRange, seed); err != nil {
			return err
		}
	}
	m.warnings = m.unused(held.keys)
	return models.ReadParameters(c, stored, held.keys)
}

// unused warns of tensors that are no part of the model.
func (m *Model) unused(keys map[string]string) []string {
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if _, used := m.registry.Lookup(name); !used && !ignorable(name) {
			warnings = append(warnings, fmt.Sprintf("tensor %q is no part of BERT and is not used", keys[name]))
		}
	}
	return warnings
}
