package data_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/importer"
)

// Rows of a data set in the order of one epoch, after importing it.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	table := filepath.Join(dir, "reviews.csv")
	if err := os.WriteFile(table, []byte("text,label\ngood,pos\nbad,neg\nfine,pos\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	summary, err := importer.Import(ctx, importer.Options{
		Inputs: map[string][]string{data.Train: {table}}, Label: "label", Out: filepath.Join(dir, "reviews"),
	})
	if err != nil {
		log.Fatal(err)
	}

	d, err := data.Open(summary.Out)
	if err != nil {
		log.Fatal(err)
	}
	train, err := data.FindSplit(d, data.Train)
	if err != nil {
		log.Fatal(err)
	}
	rows, err := data.NewReader(train, data.Order{Columns: []string{"text", "label"}, Shuffle: true, Seed: 1}, 0)
	if err != nil {
		log.Fatal(err)
	}
	for {
		row, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.Number(), row.Value("text"), row.Value("label"))
	}
	// Output:
	// 1 bad 0
	// 2 fine 1
	// 0 good 1
}
