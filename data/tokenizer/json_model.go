package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

func parseModel(s section) (model, error) {
	kind, err := s.modelKind()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "WordPiece":
		return parseWordPiece(s)
	case "Unigram":
		return parseUnigram(s)
	case "BPE":
		return parseBPE(s)
	}
	return nil, notSupported(kind, "WordPiece", "Unigram", "BPE")
}

// modelKind is the type of a model. Files of early releases name none.
func (s section) modelKind() (string, error) {
	if _, ok := s["type"]; ok || s == nil {
		return s.kind()
	}
	if _, ok := s["merges"]; ok {
		return "BPE", nil
	}
	if bytes.HasPrefix(s["vocab"], []byte("[")) {
		return "Unigram", nil
	}
	return "WordPiece", nil
}

func parseWordPiece(s section) (model, error) {
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

func parseUnigram(s section) (model, error) {
	unknown, byteFallback := -1, false
	if err := s.field("unk_id", &unknown); err != nil {
		return nil, err
	}
	if err := s.optional("byte_fallback", &byteFallback); err != nil {
		return nil, err
	}
	pieces, err := parseScoredPieces(s["vocab"])
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", "vocab", err)
	}
	return newUnigram(pieces, unknown, byteFallback)
}

// parseScoredPieces reads a list of lists of a text and a number.
func parseScoredPieces(content json.RawMessage) ([]scoredPiece, error) {
	var list [][]any
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil {
		return nil, err
	}
	pieces := make([]scoredPiece, len(list))
	for i, entry := range list {
		if len(entry) != 2 {
			return nil, fmt.Errorf("entry %d is not a piece and its score", i)
		}
		text, isText := entry[0].(string)
		number, isNumber := entry[1].(json.Number)
		if !isText || !isNumber {
			return nil, fmt.Errorf("entry %d is not a piece and its score", i)
		}
		score, err := parseNumber(number.String())
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		pieces[i] = scoredPiece{text, score}
	}
	return pieces, nil
}

func parseBPE(s section) (model, error) {
	var vocab map[string]int32
	if err := s.field("vocab", &vocab); err != nil {
		return nil, err
	}
	var unknown, prefix, suffix string
	var dropout float64
	var o bpeOptions
	err := s.optional("unk_token", &unknown, "continuing_subword_prefix", &prefix, "end_of_word_suffix", &suffix,
		"dropout", &dropout, "fuse_unk", &o.fuseUnknown, "byte_fallback", &o.byteFallback, "ignore_merges", &o.ignoreMerges)
	if err != nil {
		return nil, err
	}
	switch {
	case prefix != "":
		return nil, errors.New("continuing_subword_prefix is not supported")
	case suffix != "":
		return nil, errors.New("end_of_word_suffix is not supported")
	case dropout != 0:
		return nil, errors.New("dropout makes tokens random, which is not supported; set it to null")
	}
	merges, err := parseJSONMerges(s)
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", "merges", err)
	}
	return newBPE(vocab, merges, unknown, o)
}

// parseJSONMerges reads merges as lists of two tokens or, as early releases
// wrote them, as texts.
func parseJSONMerges(s section) ([][2]string, error) {
	var lists [][]string
	if json.Unmarshal(s["merges"], &lists) != nil {
		var lines []string
		if err := s.field("merges", &lines); err != nil {
			return nil, err
		}
		return parseMerges(lines)
	}
	merges := make([][2]string, len(lists))
	for i, list := range lists {
		if len(list) != 2 {
			return nil, fmt.Errorf("merge %d is not of two tokens", i)
		}
		merges[i] = [2]string(list)
	}
	return merges, nil
}
