package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
)

// config is what is read of tokenizer_config.json and special_tokens_map.json.
// tokenizer.json, where there is one, says most of it itself.
type config struct {
	Class string `json:"tokenizer_class"`

	LowerCase    *bool `json:"do_lower_case"`
	StripAccents *bool `json:"strip_accents"`
	Ideographs   *bool `json:"tokenize_chinese_chars"`

	PrefixSpace bool `json:"add_prefix_space"`
	AddBOS      bool `json:"add_bos_token"`
	AddEOS      bool `json:"add_eos_token"`

	BOS     configToken `json:"bos_token"`
	EOS     configToken `json:"eos_token"`
	Unknown configToken `json:"unk_token"`
	SEP     configToken `json:"sep_token"`
	Pad     configToken `json:"pad_token"`
	CLS     configToken `json:"cls_token"`
	Mask    configToken `json:"mask_token"`

	ExtraIDs   *int                   `json:"extra_ids"`
	Additional []configToken          `json:"additional_special_tokens"`
	Added      map[string]configToken `json:"added_tokens_decoder"`
}

// configToken is a token written as a string or as an object with "content".
// Null leaves it as it is.
type configToken addedToken

func (t *configToken) UnmarshalJSON(content []byte) error {
	var text *string
	if json.Unmarshal(content, &text) == nil {
		if text != nil {
			*t = configToken{content: *text, special: true}
		}
		return nil
	}
	object := struct {
		Content    string `json:"content"`
		Special    bool   `json:"special"`
		SingleWord bool   `json:"single_word"`
		LStrip     bool   `json:"lstrip"`
		RStrip     bool   `json:"rstrip"`
		Normalized bool   `json:"normalized"`
	}{Special: true}
	if err := json.Unmarshal(content, &object); err != nil {
		return errors.New("a token is neither a string nor an object with content")
	}
	*t = configToken{
		content: object.Content, special: object.Special, singleWord: object.SingleWord,
		lstrip: object.LStrip, rstrip: object.RStrip, normalized: object.Normalized,
	}
	return nil
}

// or is the content of a token, or another where it is not given.
func (t configToken) or(content string) string {
	if t.content == "" {
		return content
	}
	return t.content
}

// tokenDefaults are the contents of special tokens that are not given; the
// empty string stands for none.
type tokenDefaults struct{ bos, eos, unknown, sep, pad, cls, mask string }

// addedTokens are the tokens of the configuration, in the order in which
// transformers adds them.
func (c *config) addedTokens(defaults tokenDefaults) ([]addedToken, error) {
	tokens, err := c.added()
	if err != nil {
		return nil, err
	}
	for _, t := range []struct {
		token   configToken
		content string
	}{
		{c.BOS, defaults.bos}, {c.EOS, defaults.eos}, {c.Unknown, defaults.unknown}, {c.SEP, defaults.sep},
		{c.Pad, defaults.pad}, {c.CLS, defaults.cls}, {c.Mask, defaults.mask},
	} {
		token := addedToken(t.token)
		token.content, token.special = t.token.or(t.content), true
		tokens = append(tokens, token)
	}
	for _, token := range c.Additional {
		tokens = append(tokens, addedToken(token))
	}
	return tokens, nil
}

// added returns added_tokens_decoder in the order of its ids.
func (c *config) added() ([]addedToken, error) {
	ids := make([]int, 0, len(c.Added))
	byID := make(map[int]addedToken, len(c.Added))
	for text, token := range c.Added {
		id, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("added_tokens_decoder of the configuration: %q is not an id", text)
		}
		ids = append(ids, id)
		byID[id] = addedToken(token)
	}
	sort.Ints(ids)
	tokens := make([]addedToken, len(ids))
	for i, id := range ids {
		tokens[i] = byID[id]
	}
	return tokens, nil
}

// extraIDs is the number of T5's tokens <extra_id_N>.
func (c *config) extraIDs() (int, error) {
	const usual, most = 100, 1 << 16
	if c.ExtraIDs == nil {
		return usual, nil
	}
	if n := *c.ExtraIDs; n < 0 || n > most {
		return 0, fmt.Errorf("extra_ids of the configuration is %d, not from 0 to %d", n, most)
	}
	return *c.ExtraIDs, nil
}

// orElse is what a pointer points to, or another value where it is nil.
func orElse[T any](pointer *T, value T) T {
	if pointer == nil {
		return value
	}
	return *pointer
}
