package t5

import (
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

const (
	sharedWeight = "shared.weight"
	headWeight   = "lm_head.weight"
)

// aliases are other names of the embedding table, which files of torch.save
// and some conversions hold as well, or instead.
var aliases = []string{"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}

// retired is a table that the first versions declared and never used.
const retired = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"

// keysOf maps the names of parameters to the keys of a checkpoint, and reports
// whether the head shares the embedding table: where no other is stored.
func keysOf(c *checkpoint.Checkpoint) (keys map[string]string, tied bool, err error) {
	keys = map[string]string{}
	for _, key := range c.Names() {
		if !slices.Contains(aliases, key) && key != retired {
			keys[key] = key
		}
	}
	for _, alias := range aliases {
		if _, stored := c.Info(alias); !stored {
			continue
		}
		if keys[sharedWeight] == "" {
			keys[sharedWeight] = alias
			continue
		}
		same, err := sameTensor(c, alias, keys[sharedWeight])
		if err != nil {
			return nil, false, err
		}
		if !same {
			return nil, false, fmt.Errorf("tensors %q and %q differ: want one embedding table", keys[sharedWeight], alias)
		}
	}
	if _, stored := keys[headWeight]; !stored {
		return keys, true, nil
	}
	if tied, err = sameTensor(c, headWeight, keys[sharedWeight]); tied {
		delete(keys, headWeight)
	}
	return keys, tied, err
}
