package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
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

// only refuses a section of another type than the one this package executes.
func (s section) only(known string) error {
	kind, err := s.kind()
	if err == nil && kind != known {
		err = notSupported(kind, known)
	}
	return err
}

func notSupported(kind, known string) error {
	return fmt.Errorf("%s is not supported; only %s is", kind, known)
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
	if err = file.PreTokenizer.only("BertPreTokenizer"); err != nil {
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

func parseNormalizer(s section) (*normalizer, error) {
	if s == nil {
		return newNormalizer(false, false, false, false), nil
	}
	if err := s.only("BertNormalizer"); err != nil {
		return nil, err
	}
	var clean, ideographs, lower bool
	err := s.fields("clean_text", &clean, "handle_chinese_chars", &ideographs, "lowercase", &lower)
	if err != nil {
		return nil, err
	}
	strip := lower // what null, or no field, stands for
	if raw, ok := s["strip_accents"]; ok && !isNull(raw) {
		err = s.field("strip_accents", &strip)
	}
	return newNormalizer(clean, ideographs, strip, lower), err
}

func parseModel(s section) (*wordPiece, error) {
	// Files of early releases name no type.
	if _, ok := s["type"]; ok || s == nil {
		if err := s.only("WordPiece"); err != nil {
			return nil, err
		}
	}
	var vocab map[string]int32
	var prefix, unknown string
	var maxChars int
	err := s.fields("unk_token", &unknown, "continuing_subword_prefix", &prefix,
		"max_input_chars_per_word", &maxChars, "vocab", &vocab)
	if err != nil {
		return nil, err
	}
	return newWordPiece(vocab, prefix, unknown, maxChars)
}

func parsePostProcessor(s section) (single, pair template, err error) {
	kind, err := s.kind()
	if err != nil {
		return single, pair, err
	}
	switch kind {
	case "null":
		single = newTemplate(sequencePiece(0, 0))
		pair = newTemplate(sequencePiece(0, 0), sequencePiece(1, 1))
	case "BertProcessing":
		single, pair, err = parseBertProcessing(s)
	case "TemplateProcessing":
		single, pair, err = parseTemplateProcessing(s)
	default:
		err = notSupported(kind, "TemplateProcessing or BertProcessing")
	}
	return single, pair, err
}

// namedID is a token and its id, written as a list of both.
type namedID struct{ id int32 }

func (n *namedID) UnmarshalJSON(content []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		return err
	}
	if len(list) != 2 || isNull(list[1]) {
		return errors.New("not a list of a token and its id")
	}
	return json.Unmarshal(list[1], &n.id)
}

func parseBertProcessing(s section) (single, pair template, err error) {
	var cls, sep namedID
	if err = s.fields("cls", &cls, "sep", &sep); err != nil {
		return single, pair, err
	}
	single, pair = bertTemplates(cls.id, sep.id)
	return single, pair, nil
}

// jsonPiece is a piece of a template: one of its fields is set.
type jsonPiece struct {
	Sequence     *jsonPieceID `json:"Sequence"`
	SpecialToken *jsonPieceID `json:"SpecialToken"`
}

type jsonPieceID struct {
	ID     string `json:"id"`
	TypeID int32  `json:"type_id"`
}

type jsonSpecialToken struct {
	IDs []int32 `json:"ids"`
}

func parseTemplateProcessing(s section) (single, pair template, err error) {
	var first, both []jsonPiece
	var special map[string]jsonSpecialToken
	if err = s.fields("single", &first, "pair", &both, "special_tokens", &special); err != nil {
		return single, pair, err
	}
	if single, err = parseTemplate(first, special); err != nil {
		return single, pair, fmt.Errorf("single: %w", err)
	}
	if err = single.check(1); err != nil {
		return single, pair, fmt.Errorf("single: %w", err)
	}
	if pair, err = parseTemplate(both, special); err != nil {
		return single, pair, fmt.Errorf("pair: %w", err)
	}
	return single, pair, nil
}

func parseTemplate(list []jsonPiece, special map[string]jsonSpecialToken) (template, error) {
	var pieces []piece
	for _, p := range list {
		switch {
		case p.Sequence != nil && p.Sequence.ID == "A":
			pieces = append(pieces, sequencePiece(0, p.Sequence.TypeID))
		case p.Sequence != nil && p.Sequence.ID == "B":
			pieces = append(pieces, sequencePiece(1, p.Sequence.TypeID))
		case p.SpecialToken != nil:
			token, ok := special[p.SpecialToken.ID]
			if !ok {
				return template{}, fmt.Errorf("special token %q is not in special_tokens", p.SpecialToken.ID)
			}
			pieces = append(pieces, specialPiece(p.SpecialToken.TypeID, token.IDs...))
		default:
			return template{}, errors.New("a piece is neither Sequence A, Sequence B nor a SpecialToken")
		}
	}
	return newTemplate(pieces...), nil
}

func parseDecoder(s section) (decoder, error) {
	if s == nil {
		return joinTokens, nil
	}
	if err := s.only("WordPiece"); err != nil {
		return nil, err
	}
	var prefix string
	var cleanup bool
	if err := s.fields("prefix", &prefix, "cleanup", &cleanup); err != nil {
		return nil, err
	}
	return wordPieceDecoder(prefix, cleanup), nil
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
