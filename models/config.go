package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Config is a model's config.json as it stands, with the fields that gopet
// does not know.
type Config struct {
	Path   string // of the file, for messages
	fields map[string]json.RawMessage
}

// ReadConfig reads the config.json of a model directory.
func ReadConfig(dir string) (*Config, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("no such model directory: %q", dir)
	}
	c := &Config{Path: filepath.Join(dir, "config.json")}
	data, err := os.ReadFile(c.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no config.json: want a Hugging Face model directory", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if err := json.Unmarshal(data, &c.fields); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	return c, nil
}

// ModelType is the family's name. The first BERT checkpoints have none, so
// "bert" stands for it.
func (c *Config) ModelType() (string, error) {
	modelType := "bert"
	if raw, ok := c.fields["model_type"]; ok {
		if err := json.Unmarshal(raw, &modelType); err != nil {
			return "", fmt.Errorf("%s: model_type: %w", c.Path, err)
		}
	}
	return modelType, nil
}

// Decode sets the fields of v, a pointer to a struct with json tags, and
// leaves those that the file does not name.
func (c *Config) Decode(v any) error {
	data, err := json.Marshal(c.fields)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	return nil
}

// With returns the file's content with some fields set; a nil value removes
// the field.
func (c *Config) With(changes map[string]any) ([]byte, error) {
	fields := map[string]any{}
	for name, value := range c.fields {
		fields[name] = value
	}
	for name, value := range changes {
		if fields[name] = value; value == nil {
			delete(fields, name)
		}
	}
	data, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	return append(data, '\n'), nil
}
