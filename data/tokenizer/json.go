package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// jsonFile is tokenizer.json. Its "truncation" and "padding" are not read.
type jsonFile struct {
	Version       string    `json:"version"`
	AddedTokens   []section `json:"added_tokens"`
	Normalizer    section   `json:"normalizer"`
	PreTokenizer  section   `json:"pre_tokenizer"`
	Model         section   `json:"model"`
	PostProcessor section   `json:"post_processor"`
	Decoder       section   `json:"decoder"`
}

// section is an object of the file, its fields not yet decoded. It is nil for
// null.
type section map[string]json.RawMessage

// kind returns the "type" of a section, and "null" where there is no section.
func (s section) kind() (string, error) {
	if s == nil {
		return "null", nil
	}
	var kind string
	return kind, s.field("type", &kind)
}

// notSupported refuses a type beside those that this package executes.
func notSupported(kind string, known ...string) error {
	last := len(known) - 1
	if last == 0 {
		return fmt.Errorf("%s is not supported; only %s is", kind, known[0])
	}
	return fmt.Errorf("%s is not supported; only %s and %s are", kind, strings.Join(known[:last], ", "), known[last])
}

// field decodes a field that must be there.
func (s section) field(name string, v any) error {
	raw, ok := s[name]
	if !ok || isNull(raw) {
		return fmt.Errorf("field %q is missing", name)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("field %q: %w", name, err)
	}
	return nil
}

// optional decodes fields that may be missing or null, given as name, pointer,
// name, pointer ...; a variable then stays as it is.
func (s section) optional(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		if raw, ok := s[name]; !ok || isNull(raw) {
			continue
		}
		if err := s.field(name, pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// fields decodes several, given as name, pointer, name, pointer ...
func (s section) fields(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := s.field(pairs[i].(string), pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// parseJSON builds a tokenizer from the content of tokenizer.json.
func parseJSON(content []byte) (*Tokenizer, error) {
	file := jsonFile{Version: "1.0"}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	if file.Version != "1.0" {
		return nil, fmt.Errorf("version %q is not supported; only 1.0 is", file.Version)
	}
	var p parts
	var err error
	if p.normalizer, err = parseNormalizer(file.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if p.preTokenizer, err = parsePreTokenizer(file.PreTokenizer); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if p.model, err = parseModel(file.Model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if p.single, p.pair, err = parsePostProcessor(file.PostProcessor); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	if p.decoder, err = parseDecoder(file.Decoder); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	if p.addedTokens, err = parseAddedTokens(file.AddedTokens); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	return newTokenizer(p)
}

func parseAddedTokens(list []section) ([]addedToken, error) {
	tokens := make([]addedToken, len(list))
	for i, s := range list {
		t := &tokens[i]
		err := s.fields("content", &t.content, "special", &t.special, "single_word", &t.singleWord,
			"lstrip", &t.lstrip, "rstrip", &t.rstrip, "normalized", &t.normalized)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return tokens, nil
}

// each calls f for a section, or for those of the list of a Sequence, with its
// type.
func (s section) each(list string, f func(kind string, s section) error) error {
	kind, err := s.kind()
	if err != nil || s == nil {
		return err
	}
	if kind != "Sequence" {
		return f(kind, s)
	}
	var sections []section
	if err := s.field(list, &sections); err != nil {
		return err
	}
	for i, s := range sections {
		kind, err := s.kind()
		switch {
		case err != nil:
		case kind == "Sequence":
			err = errors.New("a Sequence within a Sequence is not supported")
		default:
			err = f(kind, s)
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", list, i, err)
		}
	}
	return nil
}
