package tokenizer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tinyBPE is a tokenizer.json whose model has the given fields besides a
// vocabulary of a, b, c, ab, bc, abc, <u>.
func tinyBPE(fields string) string {
	return `{"version": "1.0", "added_tokens": [], "model": {"type": "BPE",
		"vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5, "<u>": 6}, ` + fields + `}}`
}

func TestBPERefuses(t *testing.T) {
	for fields, want := range map[string]string{
		`"merges": [["a", "x"]]`:                          `merge 0, of "a" and "x": token "x" is not in the vocabulary`,
		`"merges": [["a", "b"], ["c", "c"]]`:              `merge 1, of "c" and "c": token "cc" is not in the vocabulary`,
		`"merges": ["a b", "abc"]`:                        `merge 1, "abc", is not two tokens with a space between`,
		`"merges": ["a b c"]`:                             `merge 0, "a b c", is not two tokens`,
		`"merges": [["a", "b", "c"]]`:                     "merge 0 is not of two tokens",
		`"merges": 7`:                                     `field "merges": `,
		`"dropout": null`:                                 `field "merges": field "merges" is missing`,
		`"merges": [], "dropout": 0.1`:                    "dropout makes tokens random",
		`"merges": [], "continuing_subword_prefix": "##"`: "continuing_subword_prefix is not supported",
		`"merges": [], "end_of_word_suffix": "</w>"`:      "end_of_word_suffix is not supported",
		`"merges": [], "unk_token": "<unk>"`:              `the unknown token "<unk>" is not in the vocabulary`,
		`"merges": [], "fuse_unk": "yes"`:                 `field "fuse_unk": `,
		`"merges": [], "vocab": {"a": -1}`:                `token "a" has the negative id -1`,
		`"merges": [], "vocab": {"a": 99999999999}`:       `field "vocab": `,
		`"merges": [["", ""]], "vocab": {"a": 0}`:         `token "" is not in the vocabulary`,
	} {
		_, err := parseJSON([]byte(tinyBPE(fields)))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want a line that says %q", fields, err, want)
		}
	}
}

func TestBPEOrder(t *testing.T) {
	for _, test := range []struct {
		fields, text string
		want         []int32
	}{
		{`"merges": ["a b", "b c", "ab c"]`, "abc", []int32{5}},
		{`"merges": ["b c", "a b", "ab c"]`, "abc", []int32{0, 4}},
		{`"merges": ["b c", "a bc"]`, "abcabc", []int32{5, 5}},
		{`"merges": ["b c", "a bc"], "ignore_merges": true`, "ab", []int32{3}},
		{`"merges": [["", "b"], ["a", "b"]], "vocab": {"": 3, "a": 0, "b": 1, "ab": 2}`, "ab", []int32{2}},
		{`"merges": [], "unk_token": "<u>"`, "axyb", []int32{0, 6, 6, 1}},
		{`"merges": [], "unk_token": "<u>", "fuse_unk": true`, "axyb", []int32{0, 6, 1}},
		{`"merges": []`, "axyb", []int32{0, 1}},
		{`"merges": []`, "xy", nil},
	} {
		tokenizer := loadJSON(t, []byte(tinyBPE(test.fields)))
		for range 2 { // the second time from the cache
			if got := tokenizer.EncodePlain(test.text); !slices.Equal(got, test.want) {
				t.Errorf("%s: ids of %q %v, want %v", test.fields, test.text, got, test.want)
			}
		}
	}
}

// TestBPELongWord: time grows little faster than the length of a word.
func TestBPELongWord(t *testing.T) {
	tokenizer := loadJSON(t, []byte(tinyBPE(`"merges": ["a b", "b c", "ab c"]`)))
	const n = 200_000
	ids := tokenizer.EncodePlain(strings.Repeat("abc", n))
	if len(ids) != n || slices.Max(ids) != 5 || slices.Min(ids) != 5 {
		t.Errorf("%d ids, want %d of the same", len(ids), n)
	}
}

// gpt2Dir returns a directory with vocab.json, merges.txt and a configuration.
func gpt2Dir(t *testing.T, vocab map[string]int32, merges, config string) string {
	t.Helper()
	dir := t.TempDir()
	writeJSON(t, filepath.Join(dir, "vocab.json"), vocab)
	writeFile(t, filepath.Join(dir, "merges.txt"), merges)
	writeFile(t, filepath.Join(dir, "tokenizer_config.json"), config)
	return dir
}

func TestBPEFiles(t *testing.T) {
	vocab := map[string]int32{"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4}
	const merges = "#version: 0.2\na b\nĠ ab\n"
	for _, test := range []struct {
		config, first, second string
		want, types           []int32
	}{
		{`{}`, "ab ab", "b", []int32{3, 4, 1}, []int32{0, 0, 1}},
		{`{"add_prefix_space": true}`, "ab ab", "", []int32{4, 4}, []int32{0, 0}},
		{`{"add_bos_token": true}`, "ab", "b", []int32{5, 3, 5, 1}, []int32{0, 0, 1, 1}},
		{`{"add_eos_token": true, "eos_token": "</s>"}`, "ab", "b", []int32{3, 6, 1, 6}, []int32{0, 0, 1, 1}},
		{`{"tokenizer_class": "RobertaTokenizerFast"}`, "ab", "b", []int32{5, 3, 6, 6, 1, 6}, []int32{0, 0, 0, 0, 0, 0}},
		{`{"added_tokens_decoder": {"9": {"content": "<x>", "special": true}}}`, "a<x>b", "", []int32{0, 5, 1}, []int32{0, 0, 0}},
	} {
		tokenizer := load(t, gpt2Dir(t, vocab, merges, test.config))
		got := tokenizer.EncodePair(test.first, test.second, 0)
		if !slices.Equal(got.IDs, test.want) || !slices.Equal(got.Types, test.types) {
			t.Errorf("%s: %v %v, want %v %v", test.config, got.IDs, got.Types, test.want, test.types)
		}
		if _, ok := tokenizer.EOSID(); !ok {
			t.Errorf("%s: no EOSID", test.config)
		}
	}
}

func TestRobertaWithoutConfiguration(t *testing.T) {
	vocab := map[string]int32{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "<mask>": 5}
	dir := gpt2Dir(t, vocab, "", `{}`)
	writeFile(t, filepath.Join(dir, "merges.txt"), "#version: 0.2\n")
	tokenizer := load(t, dir)
	if got := tokenizer.Encode("a", 0).IDs; !slices.Equal(got, []int32{0, 4, 2}) {
		t.Errorf("ids %v, want a between <s> and </s>", got)
	}
	if tokenizer.PadID() != 1 {
		t.Errorf("PadID() = %d, want 1", tokenizer.PadID())
	}
}

func TestBPEFilesRefuse(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "vocab.json"), `{"a": 0}`)
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "vocab.json: merges.txt is missing beside it") {
		t.Errorf("error %v", err)
	}
	for merges, want := range map[string]string{
		"a\n":   `merges.txt: merge 0, "a", is not two tokens`,
		"a b\n": `merge 0, of "a" and "b": token "b" is not in the vocabulary`,
	} {
		writeFile(t, filepath.Join(dir, "merges.txt"), merges)
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", merges, err, want)
		}
	}
	writeFile(t, filepath.Join(dir, "vocab.json"), `[]`)
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "vocab.json: ") {
		t.Errorf("error %v", err)
	}
}

// TestManyGoroutinesBPE shares the cache of words among goroutines that fill
// it with different ones.
func TestManyGoroutinesBPE(t *testing.T) {
	tokenizer := loadJSON(t, []byte(tinyBPE(`"merges": ["a b", "b c", "ab c"]`)))
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for n := range 3000 {
				word := strings.Repeat("abc", n%20) + strings.Repeat("a", (n+i)%17)
				want := slices.Concat(slices.Repeat([]int32{5}, n%20), slices.Repeat([]int32{0}, (n+i)%17))
				if got := tokenizer.EncodePlain(word); !slices.Equal(got, want) {
					t.Fatalf("ids of %q %v, want %v", word, got, want)
				}
			}
		})
	}
}

func TestLossyUTF8(t *testing.T) {
	for text, want := range map[string]string{
		"é":                        "é",
		"\xff\xfe":                 "\ufffd\ufffd",
		"\xe4\xb8":                 "\ufffd",
		"\xe4\xb8a":                "\ufffda",
		"\xf0\x9f\x98a\xf0\x9f":    "\ufffda\ufffd",
		"\xe0\x80\x80":             "\ufffd\ufffd\ufffd",
		"\xed\xa0\x80":             "\ufffd\ufffd\ufffd",
		"\xf4\x90\x80\x80":         "\ufffd\ufffd\ufffd\ufffd",
		"\xc3\xc3\xa9\x80":         "\ufffdé\ufffd",
		"\xf1\x80\x80\xf1\x80\xc2": "\ufffd\ufffd\ufffd",
	} {
		if got := lossyUTF8([]byte(text)); got != want {
			t.Errorf("lossyUTF8(%q) = %q, want %q", text, got, want)
		}
	}
}
