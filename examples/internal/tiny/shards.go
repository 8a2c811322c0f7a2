package tiny

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/importer"
)

// Shards makes the directory dir of Parquet shards, with columns text and
// label: 256 rows to train on, 64 to validate with, 64 to test with.
func Shards(dir string) error {
	from, err := os.MkdirTemp("", "tiny")
	if err != nil {
		return err
	}
	defer os.RemoveAll(from)
	inputs := map[string][]string{}
	for seed, split := range data.SplitNames {
		n := 64
		if split == data.Train {
			n = 256
		}
		path := filepath.Join(from, split+".tsv")
		if err := writeTSV(path, Rows(n, uint64(seed))); err != nil {
			return err
		}
		inputs[split] = []string{path}
	}
	_, err = importer.Import(context.Background(), importer.Options{Inputs: inputs, Out: dir, Label: "label"})
	return err
}

func writeTSV(path string, rows []Row) error {
	var lines strings.Builder
	lines.WriteString("text\tlabel\n")
	for _, row := range rows {
		fmt.Fprintf(&lines, "%s\t%s\n", row.Text, row.Label)
	}
	return os.WriteFile(path, []byte(lines.String()), 0o666)
}
