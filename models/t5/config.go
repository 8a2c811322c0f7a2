package t5

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch/nn"
)

// Config is what T5's config.json says, under the names it has there.
type Config struct {
	VocabSize     int64 `json:"vocab_size"`
	ModelDim      int64 `json:"d_model"`
	HeadDim       int64 `json:"d_kv"`
	InnerDim      int64 `json:"d_ff"`
	Layers        int64 `json:"num_layers"`
	DecoderLayers int64 `json:"num_decoder_layers"` // as many as Layers when 0
	Heads         int64 `json:"num_heads"`

	Buckets     int64 `json:"relative_attention_num_buckets"`
	MaxDistance int64 `json:"relative_attention_max_distance"` // from it on, all distances are one

	FeedForwardProj   string  `json:"feed_forward_proj"`      // an activation, "gated-" before it for a gated block
	DenseActFn        string  `json:"dense_act_fn,omitempty"` // the activation, where it is not FeedForwardProj's
	IsGatedAct        *bool   `json:"is_gated_act,omitempty"` // whether gated, likewise
	LayerNormEps      float64 `json:"layer_norm_epsilon"`
	Dropout           float64 `json:"dropout_rate"`
	InitializerFactor float64 `json:"initializer_factor"` // of the standard deviations of new weights

	TieWordEmbeddings   *bool `json:"tie_word_embeddings,omitempty"`
	ScaleDecoderOutputs *bool `json:"scale_decoder_outputs,omitempty"` // TieWordEmbeddings when nil

	DecoderStartTokenID *int64   `json:"decoder_start_token_id"` // PadTokenID when nil
	PadTokenID          int64    `json:"pad_token_id"`
	EOSTokenID          TokenIDs `json:"eos_token_id"` // any of them ends a text

	IsEncoderDecoder bool `json:"is_encoder_decoder"`
}

// TokenIDs are one id or more, which config.json gives as a number or a list.
type TokenIDs []int64

// UnmarshalJSON reads a number, a list or null.
func (ids *TokenIDs) UnmarshalJSON(data []byte) error {
	if strings.HasPrefix(string(data), "[") || string(data) == "null" {
		return json.Unmarshal(data, (*[]int64)(ids))
	}
	*ids = make(TokenIDs, 1)
	return json.Unmarshal(data, &(*ids)[0])
}

// MarshalJSON writes one id as a number, more as a list.
func (ids TokenIDs) MarshalJSON() ([]byte, error) {
	if len(ids) == 1 {
		return json.Marshal(ids[0])
	}
	return json.Marshal([]int64(ids))
}

// The largest size that is taken for meant: far above any model, and small
// enough that products of two don't overflow.
const maxSize = 1 << 24

// Defaults is what config.json means where it leaves a field out: all but the
// sizes.
func Defaults() Config {
	return Config{
		Buckets:           32,
		MaxDistance:       128,
		FeedForwardProj:   "relu",
		LayerNormEps:      1e-6,
		Dropout:           0.1,
		InitializerFactor: 1,
		EOSTokenID:        TokenIDs{1},
		IsEncoderDecoder:  true,
	}
}

// ParseConfig reads and checks a config.json. Sizes must be there; the other
// fields have transformers' defaults.
func ParseConfig(file *models.Config) (Config, error) {
	c := Defaults()
	err := file.Decode(&c)
	if err != nil {
		return Config{}, err
	}
	if c, err = c.complete(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", file.Path, err)
	}
	return c, nil
}

// complete sets what follows from other fields, and checks all.
func (c Config) complete() (Config, error) {
	if c.DecoderLayers == 0 {
		c.DecoderLayers = c.Layers
	}
	if c.DecoderStartTokenID == nil {
		c.DecoderStartTokenID = &c.PadTokenID
	}
	for _, check := range []func() error{c.checkSizes, c.checkPositions, c.checkFeedForward, c.checkReals, c.checkTokens} {
		if err := check(); err != nil {
			return Config{}, err
		}
	}
	if !c.IsEncoderDecoder {
		return Config{}, fmt.Errorf("is_encoder_decoder is false: want a T5 with encoder and decoder")
	}
	return c, nil
}

func (c Config) checkSizes() error {
	for _, size := range []struct {
		name  string
		value int64
		max   int64
	}{
		{"vocab_size", c.VocabSize, maxSize},
		{"d_model", c.ModelDim, maxSize},
		{"d_kv", c.HeadDim, maxSize},
		{"d_ff", c.InnerDim, maxSize},
		{"num_layers", c.Layers, 1000},
		{"num_decoder_layers", c.DecoderLayers, 1000},
		{"num_heads", c.Heads, maxSize},
	} {
		if size.value == 0 {
			return fmt.Errorf("%s is missing or 0", size.name)
		}
		if size.value < 0 || size.value > size.max {
			return fmt.Errorf("%s is %d: want 1 to %d", size.name, size.value, size.max)
		}
	}
	if c.Heads*c.HeadDim > maxSize {
		return fmt.Errorf("num_heads %d times d_kv %d is more than %d", c.Heads, c.HeadDim, maxSize)
	}
	return nil
}

// checkPositions wants at least one bucket of the encoder, in either
// direction, that holds one distance only, and distances for the others.
func (c Config) checkPositions() error {
	if c.Buckets < 4 || c.Buckets > maxSize {
		return fmt.Errorf("relative_attention_num_buckets is %d: want 4 to %d", c.Buckets, maxSize)
	}
	if c.MaxDistance <= c.Buckets/2 {
		return fmt.Errorf("relative_attention_max_distance is %d: want more than half of the %d buckets", c.MaxDistance, c.Buckets)
	}
	return nil
}

func (c Config) checkFeedForward() error {
	parts := strings.Split(c.FeedForwardProj, "-")
	if len(parts) > 2 || len(parts) == 2 && parts[0] != "gated" {
		return fmt.Errorf("feed_forward_proj %q: want an activation such as relu, or gated- and an activation", c.FeedForwardProj)
	}
	if _, err := nn.Activation(c.activation()); err != nil {
		return fmt.Errorf("feed_forward_proj %q: %w", c.FeedForwardProj, err)
	}
	return nil
}

func (c Config) checkReals() error {
	if c.Dropout < 0 || c.Dropout >= 1 {
		return fmt.Errorf("dropout_rate is %g: want 0 or more and below 1", c.Dropout)
	}
	if c.LayerNormEps <= 0 {
		return fmt.Errorf("layer_norm_epsilon is %g: want more than 0", c.LayerNormEps)
	}
	if c.InitializerFactor < 0 {
		return fmt.Errorf("initializer_factor is %g: want 0 or more", c.InitializerFactor)
	}
	return nil
}

func (c Config) checkTokens() error {
	ids := map[string]TokenIDs{
		"decoder_start_token_id": {*c.DecoderStartTokenID}, "pad_token_id": {c.PadTokenID}, "eos_token_id": c.EOSTokenID,
	}
	for _, name := range []string{"decoder_start_token_id", "pad_token_id", "eos_token_id"} {
		for _, id := range ids[name] {
			if id < 0 || id >= c.VocabSize {
				return fmt.Errorf("%s is %d: want an id of the %d in the vocabulary", name, id, c.VocabSize)
			}
		}
	}
	return nil
}

// activation is the name of the feed-forward block's activation function.
func (c Config) activation() string {
	switch {
	case c.DenseActFn != "":
		return c.DenseActFn
	case c.FeedForwardProj == "gated-gelu": // what this meant before dense_act_fn said it
		return "gelu_new"
	}
	return strings.TrimPrefix(c.FeedForwardProj, "gated-")
}

// gated reports whether the feed-forward block has a gate.
func (c Config) gated() bool {
	if c.IsGatedAct != nil {
		return *c.IsGatedAct
	}
	return strings.HasPrefix(c.FeedForwardProj, "gated-")
}

// ties reports whether config.json lets the head share the embedding table.
func (c Config) ties() bool { return c.TieWordEmbeddings == nil || *c.TieWordEmbeddings }

// scales reports whether the decoder's output is scaled before the head.
func (c Config) scales() bool {
	if c.ScaleDecoderOutputs != nil {
		return *c.ScaleDecoderOutputs
	}
	return c.ties()
}
