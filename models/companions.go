package models

import (
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

// Companions lists the tokenizer's and the generation's files in a model
// directory, those that are there.
func Companions(dir string) []string {
	var paths []string
	for _, name := range checkpoint.Companions() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			paths = append(paths, path)
		}
	}
	return paths
}
