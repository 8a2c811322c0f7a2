// Package tokenizer turns text into the token ids of BERT, T5 and GPT-like
// models, as Hugging Face's package tokenizers 0.23.3 does, without a
// difference.
//
// It executes tokenizer.json with a WordPiece, Unigram or byte-level BPE model:
//
//   - normalizers BertNormalizer, Precompiled, Strip, Replace;
//   - pre-tokenizers BertPreTokenizer, WhitespaceSplit, Metaspace, ByteLevel, and
//     Split at a text or by the patterns of GPT-2 and BLOOM;
//   - added and special tokens with all their flags;
//   - post-processors TemplateProcessing, BertProcessing, RobertaProcessing,
//     ByteLevel;
//   - decoders WordPiece, Metaspace, ByteLevel, ByteFallback, Fuse;
//
// and Sequences of them. A file that asks for anything else is refused. Where
// there is no tokenizer.json, T5's tokenizer is built from spiece.model, BERT's
// from vocab.txt, GPT-2's or RoBERTa's from vocab.json and merges.txt, with
// tokenizer_config.json if it is there. The truncation and padding that
// tokenizer.json stores are ignored: the caller gives the length, and nothing
// is padded.
package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// Load reads the tokenizer of a model directory: the first of tokenizer.json,
// spiece.model, vocab.txt, and vocab.json with merges.txt that is there;
// tokenizer_config.json and special_tokens_map.json too, if they are there.
// Errors are one line that names the file and what is wrong in it.
func Load(dir string) (*Tokenizer, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	for _, format := range formats {
		path := filepath.Join(dir, format.name)
		content, err := readIfExists(path)
		if err != nil {
			return nil, err
		}
		if content == nil {
			continue
		}
		t, err := format.parse(content, config, dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		t.setSpecial(config)
		return t, nil
	}
	return nil, fmt.Errorf("%s: no tokenizer: there is neither tokenizer.json nor spiece.model, vocab.txt, or vocab.json"+
		" with merges.txt; copy what there is of them from where the model came from", dir)
}

// formats are what a tokenizer can be read from, the best first.
var formats = []struct {
	name  string
	parse func(content []byte, config *config, dir string) (*Tokenizer, error)
}{
	{"tokenizer.json", func(content []byte, _ *config, _ string) (*Tokenizer, error) {
		return parseJSON(content)
	}},
	{"spiece.model", func(content []byte, config *config, _ string) (*Tokenizer, error) {
		return parseSpiece(content, config)
	}},
	{"vocab.txt", func(content []byte, config *config, _ string) (*Tokenizer, error) {
		return parseVocab(content, config)
	}},
	{"vocab.json", func(content []byte, config *config, dir string) (*Tokenizer, error) {
		merges, err := readIfExists(filepath.Join(dir, "merges.txt"))
		if err != nil {
			return nil, err
		}
		if merges == nil {
			return nil, errors.New("merges.txt is missing beside it; copy it from where the model came from")
		}
		return parseBPEFiles(content, merges, config)
	}},
}

// readConfig reads special_tokens_map.json and, over it, tokenizer_config.json.
func readConfig(dir string) (*config, error) {
	c := new(config)
	for _, name := range []string{"special_tokens_map.json", "tokenizer_config.json"} {
		path := filepath.Join(dir, name)
		content, err := readIfExists(path)
		if err != nil {
			return nil, err
		}
		if content == nil {
			continue
		}
		if err := json.Unmarshal(content, c); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return c, nil
}

// readIfExists returns the content of a file, nil where there is none. All but
// models of SentencePiece must be UTF-8.
func readIfExists(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if filepath.Ext(path) != ".model" && !utf8.Valid(content) {
		return nil, fmt.Errorf("%s: not valid UTF-8", path)
	}
	return content, nil
}
