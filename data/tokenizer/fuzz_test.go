package tokenizer

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzParseJSON: a malformed tokenizer.json is an error, and one that loads
// encodes, never a panic.
func FuzzParseJSON(f *testing.F) {
	for _, file := range readGolden(f).Files {
		f.Add([]byte(file))
	}
	f.Add([]byte(`null`))
	f.Add([]byte(`{"model": {"vocab": {"": 0}, "unk_token": "", "continuing_subword_prefix": "", "max_input_chars_per_word": 1}, "pre_tokenizer": {"type": "BertPreTokenizer"}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		tokenizer, err := parseJSON(content)
		if err != nil {
			return
		}
		e := tokenizer.EncodePair("the <a>new Line\u0301 한", "[SEP]", 7)
		tokenizer.Decode(e.IDs, true)
	})
}

// FuzzParseVocab: the same of vocab.txt and tokenizer_config.json.
func FuzzParseVocab(f *testing.F) {
	f.Add([]byte(vocab), []byte(`{"unk_token": {"content": "[UNK]"}}`))
	f.Fuzz(func(t *testing.T, content, configContent []byte) {
		c := new(config)
		if json.Unmarshal(configContent, c) != nil {
			return
		}
		if tokenizer, err := parseVocab(content, c); err == nil {
			tokenizer.Encode("the new line", 0)
		}
	})
}

// FuzzEncode: any texts and limit give ids that exist, as many types, and
// decode to valid UTF-8.
func FuzzEncode(f *testing.F) {
	g := readGolden(f)
	tokenizers := []*Tokenizer{}
	for name, file := range g.Files {
		tokenizers = append(tokenizers, loadJSON(f, file))
		for _, c := range g.Results[name].Cases {
			f.Add(c.first, c.second, 6)
		}
	}
	f.Add("\xff\xfe<a>\xe4", "\xed\xa0\x80", 5)
	f.Fuzz(func(t *testing.T, first, second string, limit int) {
		for _, tokenizer := range tokenizers {
			e := tokenizer.EncodePair(first, second, limit)
			if len(e.IDs) != len(e.Types) {
				t.Fatalf("%d ids, %d types", len(e.IDs), len(e.Types))
			}
			for _, id := range e.IDs {
				if _, ok := tokenizer.IDToToken(id); !ok {
					t.Fatalf("id %d has no token", id)
				}
			}
			if text := tokenizer.Decode(e.IDs, false); !utf8.ValidString(text) {
				t.Fatalf("decoded text %q is not valid UTF-8", text)
			}
		}
	})
}
