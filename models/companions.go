package models

import (
	"os"
	"path/filepath"
)

// companions are the files of a Hugging Face directory that transformers reads
// beside config.json and the weights.
var companions = []string{
	"generation_config.json",
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
	"vocab.txt",                // WordPiece
	"vocab.json", "merges.txt", // byte-level BPE
	"spiece.model", "sentencepiece.bpe.model", "tokenizer.model", // SentencePiece
}

// Companions lists the tokenizer's and the generation's files in a model
// directory, those that are there.
func Companions(dir string) []string {
	var paths []string
	for _, name := range companions {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			paths = append(paths, path)
		}
	}
	return paths
}
