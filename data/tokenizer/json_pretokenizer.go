package tokenizer

import (
	"errors"
	"fmt"
)

func parsePreTokenizer(s section) (preTokenizer, error) {
	var p preTokenizer
	err := s.each("pretokenizers", func(kind string, s section) error {
		if p.writer != nil {
			return fmt.Errorf("%s after Metaspace or ByteLevel is not supported", kind)
		}
		var err error
		switch kind {
		case "BertPreTokenizer":
			p.splits = append(p.splits, bertSplit{wordBreaks()})
		case "WhitespaceSplit":
			p.splits = append(p.splits, whitespaceSplit{wordBreaks()})
		case "Split":
			var split splitter
			split, err = parseSplit(s)
			p.splits = append(p.splits, split)
		case "Metaspace":
			p.writer, err = parseMetaspace(s)
		case "ByteLevel":
			p.writer, err = parseByteLevel(s)
		default:
			err = notSupported(kind, "BertPreTokenizer", "WhitespaceSplit", "Split", "Metaspace", "ByteLevel", "Sequence")
		}
		return err
	})
	return p, err
}

func parseMetaspace(s section) (*metaspace, error) {
	var space string
	if err := s.field("replacement", &space); err != nil {
		return nil, err
	}
	split := true
	var prefix *bool // what files of early releases have in place of a scheme
	var scheme prependScheme
	if err := s.optional("split", &split, "add_prefix_space", &prefix, "prepend_scheme", &scheme); err != nil {
		return nil, err
	}
	switch {
	case prefix != nil && !*prefix && (scheme == prependAlways || scheme == prependFirst):
		return nil, fmt.Errorf("add_prefix_space is false, but prepend_scheme is %q", scheme)
	case prefix != nil && !*prefix:
		scheme = prependNever
	case scheme == "":
		scheme = prependAlways
	}
	return newMetaspace(space, scheme, split)
}

func parseByteLevel(s section) (*byteLevel, error) {
	var prefixSpace bool
	useRegex := true
	if err := s.field("add_prefix_space", &prefixSpace); err != nil {
		return nil, err
	}
	if err := s.optional("use_regex", &useRegex); err != nil {
		return nil, err
	}
	return newByteLevel(prefixSpace, useRegex), nil
}

func parseSplit(s section) (splitter, error) {
	var pattern jsonPattern
	var behavior string
	var invert bool
	if err := s.fields("pattern", &pattern, "behavior", &behavior, "invert", &invert); err != nil {
		return nil, err
	}
	m, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	switch {
	case behavior == "Isolated":
		return isolate{m}, nil
	case behavior == "Removed" && invert:
		return keepMatches{m}, nil
	case behavior == "Removed":
		return dropMatches{m}, nil
	}
	return nil, fmt.Errorf("the behavior %q of a Split is not supported; only Isolated and Removed are", behavior)
}

func parsePattern(p jsonPattern) (matcher, error) {
	switch {
	case p.String != nil && *p.String != "":
		return textMatcher(*p.String), nil
	case p.Regex != nil:
		if newMatcher, ok := matchers[*p.Regex]; ok {
			return newMatcher(), nil
		}
		return nil, fmt.Errorf("the pattern %q of a Split is not supported; only texts and the patterns of GPT-2 and BLOOM are", *p.Regex)
	}
	return nil, errors.New("the pattern of a Split is empty")
}
