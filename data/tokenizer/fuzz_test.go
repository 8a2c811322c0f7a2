package tokenizer

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParseJSON: a malformed tokenizer.json is an error, and one that loads
// encodes, never a panic.
func FuzzParseJSON(f *testing.F) {
	for _, file := range readGolden(f).Files {
		f.Add([]byte(file))
	}
	for _, r := range readRandom(f) {
		f.Add([]byte(r.file))
	}
	f.Add([]byte(`null`))
	f.Add([]byte(tinyBPE(`"merges": [["a", "b"], ["ab", "ab"]], "vocab": {"a": 0, "b": 0, "ab": 0, "abab": 0}`)))
	f.Add([]byte(`{"model": {"vocab": [["", 0], ["a", -1e-400], ["a", 1e308]], "unk_id": 0}, "pre_tokenizer": {"type": "Metaspace", "replacement": " "}}`))
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

// FuzzParseSpiece: the same of spiece.model.
func FuzzParseSpiece(f *testing.F) {
	for _, m := range readSpieces(f) {
		f.Add(m.content, []byte(m.config))
	}
	f.Add(protoOf(1, pieceOf("<unk>", 0, unknownPiece), 2, protoOf(3, 1), 3, protoOf(2, charsmapOf(oneRule(), "yes\x00"))), []byte(`{"eos_token": "<unk>"}`))
	f.Fuzz(func(t *testing.T, content, configContent []byte) {
		c := new(config)
		if len(configContent) > 0 && json.Unmarshal(configContent, c) != nil {
			return
		}
		tokenizer, err := parseSpiece(content, c)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q is not one line", err)
			}
			return
		}
		e := tokenizer.EncodePair("the <a>new Line\u0301 한 中<0x41>", "a\u0301b ½", 9)
		tokenizer.Decode(e.IDs, false)
	})
}

// FuzzCharsmap: a charsmap that is taken replaces any text, by UTF-8, and head
// never leaves the text.
func FuzzCharsmap(f *testing.F) {
	f.Add(charsmapOf(oneRule(), "yes\x00"), "abba\u0301\r\nक्क", 2)
	f.Add(charsmapOf(oneRule()[:0x200], ""), "a", 1)
	for _, m := range readSpieces(f) {
		if file, err := readSpiece(m.content); err == nil {
			f.Add(file.normalizer.charsmap, "½ e\u0301\u200d😀 \u0600a", 1)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, text string, head int) {
		p, err := newPrecompiled(content)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		out := p.append(nil, text)
		if !utf8.Valid(out) {
			t.Fatalf("normalized to %q", out)
		}
		if head > 0 && head <= len(text) {
			if got := p.head(text, head); got < 0 || got > len(out) {
				t.Fatalf("head %d of %d bytes", got, len(out))
			}
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
	for _, r := range readRandom(f) {
		if tokenizer := loadJSON(f, r.file); len(tokenizers) < 24 {
			tokenizers = append(tokenizers, tokenizer)
		}
		f.Add(r.cases[0].first, r.cases[0].second, r.cases[0].limit)
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
