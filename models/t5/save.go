package t5

import (
	"fmt"

	"github.com/gopet-ml/gopet/models"
)

// Save writes the model as a new directory that transformers loads as a
// T5ForConditionalGeneration, a shared table once. The directory must not
// exist; copies of others are put into it.
func (m *Model) Save(dir string, others ...string) error {
	config, err := m.file.With(map[string]any{
		"architectures":         []string{"T5ForConditionalGeneration"},
		"model_type":            "t5",
		"tie_word_embeddings":   m.tied(),
		"scale_decoder_outputs": m.config.scales(),
		"torch_dtype":           m.registry.DType().String(),
		"dtype":                 nil, // the newer name of the same
	})
	if err != nil {
		return err
	}
	key := func(name string) string { return name }
	if err := models.WriteDirectory(dir, config, m.registry.Parameters(), key, others...); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}
