package t5

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// declare is the family's models.Declare. Without weights to look at,
// config.json says whether the head shares the embedding table.
func declare(dir string, file *models.Config, o models.Options) (models.Model, error) {
	config, err := ParseConfig(file)
	if err != nil {
		return nil, err
	}
	tied := config.ties()
	if c, err := checkpoint.Open(dir); err == nil {
		defer c.Close()
		if _, tied, err = keysOf(c); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	m, err := build(config, tied, o.DType, torch.Meta)
	if err != nil {
		return nil, err
	}
	m.file = file
	return m, nil
}

// load is the family's models.Load.
func load(dir string, file *models.Config, o models.Options) (models.Model, error) {
	config, err := ParseConfig(file)
	if err != nil {
		return nil, err
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	m, err := loadFrom(c, config, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	m.file = file
	return m, nil
}

func loadFrom(c *checkpoint.Checkpoint, config Config, o models.Options) (*Model, error) {
	keys, tied, err := keysOf(c)
	if err != nil {
		return nil, err
	}
	if err := check(c, config, keys, tied, o.DType); err != nil {
		return nil, err
	}
	m, err := build(config, tied, o.DType, o.Device)
	if err != nil {
		return nil, err
	}
	if err := models.ReadParameters(c, m.registry.Parameters(), keys); err != nil {
		m.Close()
		return nil, err
	}
	m.warnings = m.remarks(keys)
	return m, nil
}

// check compares the checkpoint with config.json before memory is taken for
// what that claims.
func check(c *checkpoint.Checkpoint, config Config, keys map[string]string, tied bool, dtype torch.DType) error {
	m, err := build(config, tied, dtype, torch.Meta)
	if err != nil {
		return err
	}
	defer m.Close()
	return models.CheckParameters(c, m.registry.Parameters(), keys)
}

// build declares the model; it fails where there is no memory for it.
func build(config Config, tied bool, dtype torch.DType, device torch.Device) (m *Model, err error) {
	if dtype == torch.Float16 {
		return nil, fmt.Errorf("T5 overflows in float16: want float32 or bfloat16")
	}
	registry := nn.NewRegistry(dtype, device)
	if err := torch.Try(func() { m = newModel(registry, config, tied) }); err != nil {
		registry.Close()
		return nil, err
	}
	return m, nil
}

// remarks tells of tensors that are no part of the model, and of a head that
// should be there.
func (m *Model) remarks(keys map[string]string) []string {
	var warnings []string
	if m.tied() && !m.config.ties() && !m.config.scales() {
		warnings = append(warnings, fmt.Sprintf("tie_word_embeddings is false, but no other %q is stored: the head shares %q", headWeight, sharedWeight))
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if _, used := m.registry.Lookup(name); !used {
			warnings = append(warnings, fmt.Sprintf("tensor %q is no part of T5 and is not used", name))
		}
	}
	return warnings
}
