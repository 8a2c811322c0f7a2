package tokenizer_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/data/tokenizer"
)

func Example() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	vocab := []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\ntoken\n##s\nmake\ntext\n")
	if err := os.WriteFile(filepath.Join(dir, "vocab.txt"), vocab, 0o600); err != nil {
		log.Fatal(err)
	}

	t, err := tokenizer.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	e := t.EncodePair("Tokens", "make text", 16)
	fmt.Println(e.IDs)
	fmt.Println(e.Types)
	fmt.Println(t.Decode(e.IDs, true))
	// Output:
	// [2 4 5 3 6 7 3]
	// [0 0 0 0 1 1 1]
	// tokens make text
}

// A label word has the ids that it has within a text.
func ExampleTokenizer_EncodePlain() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string]string{
		"vocab.json": `{"g": 0, "r": 1, "e": 2, "a": 3, "t": 4, "re": 5, "at": 6, "gre": 7, "great": 8, "<|endoftext|>": 9}`,
		"merges.txt": "#version: 0.2\nr e\na t\ng re\ngre at\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			log.Fatal(err)
		}
	}

	t, err := tokenizer.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.EncodePlain("great"), t.EncodePlain("grate"))
	fmt.Println(t.EOSID())
	// Output:
	// [8] [0 1 6 2]
	// 9 true
}
