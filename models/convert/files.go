package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
)

const configFile = "config.json"

// copyFiles copies what belongs to the model besides its weights.
func (c *conversion) copyFiles(from, out string) error {
	if err := c.copyConfig(filepath.Join(from, configFile), filepath.Join(out, configFile)); err != nil {
		return err
	}
	for _, path := range models.Companions(from) {
		name := filepath.Base(path)
		if err := c.copied(name, atomicfile.Copy(path, filepath.Join(out, name))); err != nil {
			return err
		}
	}
	return nil
}

// copied notes a file that was copied; one that is not there is no error.
func (c *conversion) copied(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		c.result.Copied = append(c.result.Copied, name)
	}
	return err
}

// typeNames are Hugging Face's names of the types in config.json.
var typeNames = map[checkpoint.DType]string{
	checkpoint.Float32: "float32", checkpoint.Float16: "float16", checkpoint.BFloat16: "bfloat16",
}

// copyConfig copies config.json, with the new type of the weights: transformers
// loads them as what it says.
func (c *conversion) copyConfig(from, to string) error {
	if c.options.DType == "" {
		return c.copied(configFile, atomicfile.Copy(from, to))
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return c.copied(configFile, err)
	}
	if text, err = setType(text, typeNames[c.options.DType]); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return c.copied(configFile, os.WriteFile(to, text, 0o666))
}

// setType sets "dtype", the name of transformers 5, and "torch_dtype", the
// older one, where they are; without either the older, which both read.
func setType(config []byte, name string) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("not a JSON object")
	}
	value := json.RawMessage(fmt.Sprintf("%q", name))
	_, newer := fields["dtype"]
	if newer {
		fields["dtype"] = value
	}
	if _, older := fields["torch_dtype"]; older || !newer {
		fields["torch_dtype"] = value
	}
	text, err := json.MarshalIndent(fields, "", "  ")
	return append(text, '\n'), err
}
