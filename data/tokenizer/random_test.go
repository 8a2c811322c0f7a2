package tokenizer

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// randomTokenizer is a line of testdata/random.json.
type randomTokenizer struct {
	file  json.RawMessage
	size  int
	cases []randomCase
}

func (r *randomTokenizer) UnmarshalJSON(content []byte) error {
	return json.Unmarshal(content, &[]any{&r.file, &r.size, &r.cases})
}

type randomCase struct {
	first, second     string
	limit             int
	ids, types, plain []int32
	skipped, decoded  string
}

func (c *randomCase) UnmarshalJSON(content []byte) error {
	return json.Unmarshal(content, &[]any{&c.first, &c.second, &c.limit, &c.ids, &c.types, &c.plain, &c.skipped, &c.decoded})
}

func readRandom(t testing.TB) []randomTokenizer {
	t.Helper()
	file, err := os.Open("testdata/random.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	var list []randomTokenizer
	for scanner.Scan() {
		var r randomTokenizer
		decodeJSON(t, scanner.Bytes(), &r)
		list = append(list, r)
	}
	return list
}

func TestRandomTokenizers(t *testing.T) {
	cases := 0
	for line, r := range readRandom(t) {
		tokenizer := loadJSON(t, r.file)
		if got := tokenizer.VocabSize(); got != r.size {
			t.Errorf("line %d: VocabSize() = %d, want %d", line+1, got, r.size)
		}
		for _, c := range r.cases {
			checkRandom(t, line+1, tokenizer, c)
			cases++
		}
	}
	if cases < 300 {
		t.Errorf("%d cases, want some hundreds", cases)
	}
}

func checkRandom(t *testing.T, line int, tokenizer *Tokenizer, c randomCase) {
	t.Helper()
	got := tokenizer.EncodePair(c.first, c.second, c.limit)
	if !slices.Equal(got.IDs, c.ids) || !slices.Equal(got.Types, c.types) {
		t.Errorf("line %d: EncodePair(%q, %q, %d) =\n%v %v, want\n%v %v",
			line, c.first, c.second, c.limit, got.IDs, got.Types, c.ids, c.types)
	}
	if plain := tokenizer.EncodePlain(c.first); !slices.Equal(plain, c.plain) {
		t.Errorf("line %d: EncodePlain(%q) = %v, want %v", line, c.first, plain, c.plain)
	}
	if skipped := tokenizer.Decode(c.ids, true); skipped != c.skipped {
		t.Errorf("line %d: Decode(%v, skipping) = %q, want %q", line, c.ids, skipped, c.skipped)
	}
	if decoded := tokenizer.Decode(c.ids, false); decoded != c.decoded {
		t.Errorf("line %d: Decode(%v) = %q, want %q", line, c.ids, decoded, c.decoded)
	}
}
