package tokenizer

import "fmt"

func parseNormalizer(s section) (normalizers, error) {
	var list normalizers
	err := s.each("normalizers", func(kind string, s section) error {
		var n normalizer
		var err error
		switch kind {
		case "BertNormalizer":
			n, err = parseBertNormalizer(s)
		case "Precompiled":
			n, err = parsePrecompiled(s)
		case "Strip":
			n, err = parseStrip(s)
		case "Replace":
			n, err = parseReplace(s)
		default:
			err = notSupported(kind, "BertNormalizer", "Precompiled", "Strip", "Replace", "Sequence")
		}
		list = append(list, n)
		return err
	})
	return list, err
}

func parseBertNormalizer(s section) (normalizer, error) {
	var clean, ideographs, lower bool
	err := s.fields("clean_text", &clean, "handle_chinese_chars", &ideographs, "lowercase", &lower)
	if err != nil {
		return nil, err
	}
	strip := lower // what null, or no field, stands for
	err = s.optional("strip_accents", &strip)
	return newBertNormalizer(clean, ideographs, strip, lower), err
}

func parsePrecompiled(s section) (normalizer, error) {
	var charsmap []byte // base64 in JSON
	if err := s.field("precompiled_charsmap", &charsmap); err != nil {
		return nil, err
	}
	return newPrecompiled(charsmap)
}

func parseStrip(s section) (normalizer, error) {
	var n stripNormalizer
	err := s.fields("strip_left", &n.left, "strip_right", &n.right)
	return n, err
}

// jsonPattern is what a Replace or a Split looks for: one of its fields is set.
type jsonPattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

func parseReplace(s section) (normalizer, error) {
	var pattern jsonPattern
	n := replaceNormalizer{}
	if err := s.fields("pattern", &pattern, "content", &n.content); err != nil {
		return nil, err
	}
	switch {
	case pattern.String != nil && *pattern.String != "":
		n.match = literally(*pattern.String)
	case pattern.Regex != nil && *pattern.Regex == manySpaces:
		n.match = matchManySpaces
	case pattern.Regex != nil:
		return nil, fmt.Errorf("the pattern %q of a Replace is not supported; only texts and %q are", *pattern.Regex, manySpaces)
	default:
		return nil, fmt.Errorf("the pattern of a Replace is empty")
	}
	return n, nil
}
