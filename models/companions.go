package models

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// companions are the files of a Hugging Face directory that belong to a model
// and are not its weights or its config.json.
var companions = []string{
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.txt", "spiece.model", "vocab.json", "merges.txt", "generation_config.json",
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

func copyFile(from, dir string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, filepath.Base(from)))
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return out.Close()
}
