package bert

import (
	"fmt"
	"strings"

	"github.com/gopet-ml/gopet/models"
)

// Save writes the model as a new directory that transformers loads: as a
// BertForSequenceClassification where it has a head, else as a BertModel. The
// directory must not exist; copies of others are put into it.
//
// transformers always gives a classifier a pooler. Where the model has none,
// gopet reads the directory as it was saved, and transformers warns that it
// makes up the pooler's weights.
func (m *Model) Save(dir string, others ...string) error {
	changes := map[string]any{
		"architectures": []string{"BertModel"},
		"model_type":    "bert",
		"torch_dtype":   m.registry.DType().String(),
		"dtype":         nil, // the newer name of the same
	}
	if m.head != nil {
		changes["architectures"] = []string{"BertForSequenceClassification"}
		changes["id2label"], changes["label2id"] = labelMaps(m.head.labels)
		changes["num_labels"] = nil // follows from id2label
	}
	config, err := m.file.With(changes)
	if err != nil {
		return err
	}
	key := func(name string) string { return name }
	if m.head == nil {
		key = func(name string) string { return strings.TrimPrefix(name, "bert.") }
	}
	if err := models.WriteDirectory(dir, config, m.registry.Parameters(), key, others...); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}

func labelMaps(labels []string) (id2label map[int]string, label2id map[string]int) {
	id2label, label2id = map[int]string{}, map[string]int{}
	for i, label := range labels {
		id2label[i], label2id[label] = label, i
	}
	return id2label, label2id
}
