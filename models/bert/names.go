package bert

import (
	"fmt"
	"strings"
)

// oldNames are the parameters of LayerNorm in checkpoints converted from
// TensorFlow.
var oldNames = strings.NewReplacer("LayerNorm.gamma", "LayerNorm.weight", "LayerNorm.beta", "LayerNorm.bias")

// canonical is the name that transformers' BertForSequenceClassification has
// for a tensor of any BERT checkpoint.
func canonical(key string) string {
	name := oldNames.Replace(key)
	for _, part := range []string{"embeddings.", "encoder.", "pooler."} {
		if strings.HasPrefix(name, part) {
			return "bert." + name
		}
	}
	return name
}

// keysOf maps canonical names to the keys of a checkpoint.
func keysOf(checkpoint []string) (map[string]string, error) {
	keys := map[string]string{}
	for _, key := range checkpoint {
		name := canonical(key)
		if other, taken := keys[name]; taken {
			return nil, fmt.Errorf("tensors %q and %q are both %s", other, key, name)
		}
		keys[name] = key
	}
	return keys, nil
}

// ignorable reports whether a tensor that the model does not use belongs to a
// known extra: constants that old versions saved, and pretraining heads.
func ignorable(name string) bool {
	return strings.HasSuffix(name, "embeddings.position_ids") ||
		strings.HasSuffix(name, "embeddings.token_type_ids") ||
		strings.HasPrefix(name, "cls.")
}
