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
