// Package tokenizer turns text into the token ids of BERT models, as Hugging
// Face's package tokenizers 0.23.3 does, without a difference.
//
// It executes the tokenizer.json of a WordPiece model: BertNormalizer,
// BertPreTokenizer, added and special tokens with all their flags,
// TemplateProcessing or BertProcessing, the WordPiece decoder. A file that
// asks for anything else is refused. Where there is no tokenizer.json, BERT's
// tokenizer is built from vocab.txt and, if there, tokenizer_config.json. The
// truncation and padding that tokenizer.json stores are ignored: the caller
// gives the length, and nothing is padded.
package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// Load reads the tokenizer of a model directory: tokenizer.json, or vocab.txt
// where there is none; tokenizer_config.json in both cases, if it is there.
// Errors are one line that names the file and what is wrong in it.
func Load(dir string) (*Tokenizer, error) {
	configPath := filepath.Join(dir, "tokenizer_config.json")
	content, err := readIfExists(configPath)
	if err != nil {
		return nil, err
	}
	config, err := parseConfig(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configPath, err)
	}
	t, err := loadVocabulary(dir, config)
	if err != nil {
		return nil, err
	}
	t.pad, _ = t.TokenToID(string(config.Pad))
	return t, nil
}

func loadVocabulary(dir string, config configFile) (*Tokenizer, error) {
	parsers := []struct {
		name  string
		parse func(content []byte) (*Tokenizer, error)
	}{
		{"tokenizer.json", parseJSON},
		{"vocab.txt", func(content []byte) (*Tokenizer, error) { return parseVocab(content, config) }},
	}
	for _, p := range parsers {
		path := filepath.Join(dir, p.name)
		content, err := readIfExists(path)
		if err != nil {
			return nil, err
		}
		if content == nil {
			continue
		}
		t, err := p.parse(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return t, nil
	}
	return nil, fmt.Errorf("%s: neither tokenizer.json nor vocab.txt is there", dir)
}

// readIfExists returns the content of a UTF-8 file, nil where there is none.
func readIfExists(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("%s: not valid UTF-8", path)
	}
	return content, nil
}
