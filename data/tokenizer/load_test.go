package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLoadRefuses(t *testing.T) {
	bert := string(readGolden(t).Files["bert"])
	for _, test := range []struct{ name, old, new, want string }{
		{"model", `"type": "WordPiece", "unk_token"`, `"type": "WordLevel", "unk_token"`, "model: WordLevel is not supported; only WordPiece, Unigram and BPE are"},
		{"normalizer", `"BertNormalizer"`, `"NFKC"`, "normalizer: NFKC is not supported; only BertNormalizer, Precompiled, Strip, Replace and Sequence are"},
		{"pre-tokenizer", `{"type": "BertPreTokenizer"}`, `{"type": "Digits"}`, "pre_tokenizer: Digits is not supported; only "},
		{"post-processor", `"TemplateProcessing"`, `"Processing"`, "post_processor: Processing is not supported"},
		{"decoder", `"decoder": {"type": "WordPiece"`, `"decoder": {"type": "CTC"`, "decoder: CTC is not supported"},
		{"version", `"version": "1.0"`, `"version": "2.0"`, `version "2.0" is not supported`},
		{"no type", `{"type": "BertPreTokenizer"}`, `{}`, `pre_tokenizer: field "type" is missing`},
		{"no flag", `"clean_text": true, `, ``, `normalizer: field "clean_text" is missing`},
		{"null flag", `"clean_text": true`, `"clean_text": null`, `normalizer: field "clean_text" is missing`},
		{"flag of another type", `"clean_text": true`, `"clean_text": 1`, `normalizer: field "clean_text": `},
		{"unknown token", `"unk_token": "[UNK]"`, `"unk_token": "<unk>"`, `model: the unknown token "<unk>" is not in the vocabulary`},
		{"negative id", `"[PAD]": 0`, `"[PAD]": -1`, `token "[PAD]" has the negative id -1`},
		{"id too large", `"[PAD]": 0`, `"[PAD]": 3000000000`, `model: field "vocab": `},
		{"word length", `"max_input_chars_per_word": 100`, `"max_input_chars_per_word": -1`, "max_input_chars_per_word is -1"},
		{"second sequence", `{"id": "A", "type_id": 0}`, `{"id": "B", "type_id": 0}`, "post_processor: single: "},
		{"third sequence", `{"id": "B", "type_id": 1}`, `{"id": "C", "type_id": 1}`, "post_processor: pair: a piece is neither"},
		{"special token", `"special_tokens": {"[CLS]"`, `"special_tokens": {"<s>"`, `special token "[CLS]" is not in special_tokens`},
		{"added token", `"special": true}`, `"normal": true}`, `added_tokens: entry 0: field "special" is missing`},
		{"not JSON", `{"version"`, `{version`, "invalid character"},
		{"not UTF-8", `[PAD]`, "\xff", "not valid UTF-8"},
		{"two added tokens of one pattern", `"added_tokens": [`, `"added_tokens": [` + addedJSON("Été") + `,` + addedJSON("ETE") + `,`, `added tokens "Été" and "ETE" are the same after normalization`},
		{"added token of nothing", `"added_tokens": [`, `"added_tokens": [` + addedJSON("\u0301") + `,`, "has no character left after normalization"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := strings.Replace(bert, test.old, test.new, 1)
			if content == bert {
				t.Fatalf("cases.json has no %s", test.old)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "tokenizer.json")
			writeFile(t, path, content)
			_, err := Load(dir)
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one of %s that says %q", err, path, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q is not one line", err)
			}
		})
	}
}

func addedJSON(content string) string {
	quoted, _ := json.Marshal(content)
	return `{"id": 0, "content": ` + string(quoted) + `, "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false}`
}

func TestLoadRefusesIDOfAnother(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tokenizer.json"), `{
		"added_tokens": [`+addedJSON("<new>")+`],
		"pre_tokenizer": {"type": "BertPreTokenizer"},
		"model": {"unk_token": "u", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9, "vocab": {"u": 2, "v": 1}}}`)
	want := `added token "<new>" would get id 2, which the model's vocabulary uses`
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestLoadOfEmptyDirectory(t *testing.T) {
	_, err := Load(t.TempDir())
	for _, want := range []string{"tokenizer.json", "spiece.model", "vocab.txt", "vocab.json with merges.txt", "copy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
}

const vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nete\nÉté\n##s\n中\r\n文"

func TestVocabWithoutConfig(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "vocab.txt"), vocab)
	tokenizer := load(t, dir)
	got := tokenizer.EncodePair("Étés [MASK]", "中文 [mask]", 0)
	if want := []int32{2, 5, 7, 4, 3, 8, 9, 1, 1, 1, 3}; !slices.Equal(got.IDs, want) {
		t.Errorf("ids %v, want %v", got.IDs, want)
	}
	if want := []int32{0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}; !slices.Equal(got.Types, want) {
		t.Errorf("types %v, want %v", got.Types, want)
	}
	if got, want := tokenizer.Decode(got.IDs, true), "etes 中 文"; got != want {
		t.Errorf("decoded %q, want %q", got, want)
	}
}

func TestVocabWithConfig(t *testing.T) {
	for _, test := range []struct {
		config string
		want   []int32
	}{
		{`{"do_lower_case": false}`, []int32{2, 6, 7, 8, 9, 3}},
		{`{"do_lower_case": false, "strip_accents": null}`, []int32{2, 6, 7, 8, 9, 3}},
		{`{"strip_accents": false}`, []int32{2, 1, 8, 9, 3}},
		{`{"tokenize_chinese_chars": false}`, []int32{2, 5, 7, 1, 3}},
		{`{"cls_token": {"content": "ete"}, "sep_token": "##s", "pad_token": null}`, []int32{5, 5, 7, 8, 9, 7}},
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "vocab.txt"), vocab)
		writeFile(t, filepath.Join(dir, "tokenizer_config.json"), test.config)
		if got := load(t, dir).Encode("Étés 中文", 0).IDs; !slices.Equal(got, test.want) {
			t.Errorf("%s: ids %v, want %v", test.config, got, test.want)
		}
	}
}

func TestVocabRefuses(t *testing.T) {
	for name, test := range map[string]struct{ vocab, config, want string }{
		"no unknown token": {"[CLS]\n[SEP]\n", `{}`, `vocab.txt: the unknown token "[UNK]" is not in the vocabulary`},
		"no separator":     {"[UNK]\n[CLS]\n", `{}`, `vocab.txt: token "[SEP]" is not in the vocabulary`},
		"empty":            {"", `{}`, `vocab.txt: the unknown token`},
		"configuration":    {vocab, `{"unk_token": 1}`, "tokenizer_config.json: "},
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "vocab.txt"), test.vocab)
		writeFile(t, filepath.Join(dir, "tokenizer_config.json"), test.config)
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

func TestPadID(t *testing.T) {
	for _, test := range []struct {
		config string
		want   int32
	}{
		{`{}`, 0},
		{`{"pad_token": "[MASK]"}`, 4},
		{`{"pad_token": {"content": "[SEP]", "lstrip": false}}`, 3},
		{`{"pad_token": "<none>"}`, 0},
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "tokenizer.json"), string(readGolden(t).Files["bert"]))
		writeFile(t, filepath.Join(dir, "tokenizer_config.json"), test.config)
		if got := load(t, dir).PadID(); got != test.want {
			t.Errorf("%s: PadID() = %d, want %d", test.config, got, test.want)
		}
	}
}

func TestTokenToID(t *testing.T) {
	tokenizer := loadJSON(t, readGolden(t).Files["added"])
	for token, want := range map[string]bool{"[SEP]": true, "the": true, "<a>": true, "<zz>": false, "": false} {
		id, ok := tokenizer.TokenToID(token)
		if ok != want {
			t.Errorf("TokenToID(%q): found %t, want %t", token, ok, want)
		}
		if back, _ := tokenizer.IDToToken(id); ok && back != token {
			t.Errorf("IDToToken(TokenToID(%q)) = %q", token, back)
		}
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
