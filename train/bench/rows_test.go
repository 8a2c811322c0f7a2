package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/data/importer"
)

// importRows are rows of one to six words whose label their first word tells.
func importRows(t *testing.T, rows int) string {
	t.Helper()
	dir := t.TempDir()
	var table strings.Builder
	table.WriteString("text\tkind\n")
	for i := range rows {
		text := words[i%3*3+i/3%3] + strings.Repeat(" "+words[i*7%len(words)], i%6)
		fmt.Fprintf(&table, "%s\t%s\n", text, []string{"colour", "number", "animal"}[i%3])
	}
	path := filepath.Join(dir, "train.tsv")
	write(t, path, table.String())
	out := filepath.Join(dir, "shards")
	inputs := map[string][]string{"train": {path}}
	if _, err := importer.Import(t.Context(), importer.Options{Inputs: inputs, Out: out, Label: "kind"}); err != nil {
		t.Fatal(err)
	}
	return out
}

// tinyT5 is a T5 of testdata with a tokenizer of single letters.
func tinyT5(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		content, err := os.ReadFile(filepath.Join("..", "testdata", "peft", "t5-gated", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(content))
	}
	write(t, filepath.Join(dir, "tokenizer.json"), `{"version": "1.0",
"added_tokens": [
 {"id": 0, "content": "<pad>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
 {"id": 1, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
 {"id": 2, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
"decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
"model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false,
 "vocab": [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁", -3.0], ["a", -2.0], ["e", -2.0], ["i", -2.0], ["o", -2.0]]}}`)
	write(t, filepath.Join(dir, "tokenizer_config.json"), `{"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}`)
	return dir
}

func TestGroupingPutsTheLongestFirst(t *testing.T) {
	var examples []batch.Example
	for _, n := range []int{3, 1, 4, 1, 5} {
		examples = append(examples, batch.Example{IDs: make([]int32, n)})
	}
	var lengths []int
	for _, e := range groupedByLength(examples) {
		lengths = append(lengths, len(e.IDs))
	}
	if diff := cmp.Diff(lengths, []int{5, 4, 3, 1, 1}); diff != "" {
		t.Error(diff)
	}
}
