package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// tinyUnigram is a tokenizer.json with a Unigram model, Metaspace and other
// parts, of which a test changes one.
const tinyUnigram = `{
	"version": "1.0",
	"added_tokens": [],
	"normalizer": {"type": "Sequence", "normalizers": [
		{"type": "Strip", "strip_left": true, "strip_right": true},
		{"type": "Replace", "pattern": {"String": "x"}, "content": "a"}
	]},
	"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
		{"type": "Split", "pattern": {"String": "-"}, "behavior": "Removed", "invert": false},
		{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}
	]},
	"post_processor": {"type": "RobertaProcessing", "sep": ["a", 1], "cls": ["b", 2]},
	"decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": false},
	"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1], ["b", -2.5], ["▁", -3], ["▁a", -3.5]]}
}`

func TestTinyUnigram(t *testing.T) {
	for _, old := range []string{`"type": "Unigram", `, `, "prepend_scheme": "always", "split": true`} { // which may be left out
		tokenizer := loadJSON(t, []byte(strings.Replace(tinyUnigram, old, "", 1)))
		got := tokenizer.Encode(" xb-b y ", 0).IDs
		if want := []int32{2, 4, 2, 3, 2, 3, 0, 1}; !slices.Equal(got, want) {
			t.Errorf("ids %v, want %v", got, want)
		}
		if text := tokenizer.Decode(got, false); text != "b ab b <unk>a" {
			t.Errorf("decoded %q", text)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{`"unk_id": 0`, `"unk_id": null`, `model: field "unk_id" is missing`},
		{`"unk_id": 0`, `"unk_id": 5`, "model: unk_id 5 is not the id of one of the 5 pieces"},
		{`"unk_id": 0`, `"unk_id": -1`, "unk_id -1 is not"},
		{`"unk_id": 0`, `"unk_id": 0, "byte_fallback": 1`, `field "byte_fallback": `},
		{`["a", -1]`, `["a", -1e999]`, `field "vocab": entry 1: number -1e999 is too large`},
		{`["a", -1]`, `["a"]`, "entry 1 is not a piece and its score"},
		{`["a", -1]`, `["a", "b"]`, "entry 1 is not a piece and its score"},
		{`["a", -1]`, `[1, -1]`, "entry 1 is not a piece and its score"},
		{`[["<unk>", 0]`, `[7, ["<unk>", 0]`, `field "vocab": `},
		{`["a", -1]`, `["a", NaN]`, "invalid character"},
		{`"strip_left": true, `, ``, `normalizer: normalizers 0: field "strip_left" is missing`},
		{`{"type": "Strip"`, `{"type": "Sequence", "normalizers": []}, {"type": "Strip"`, "normalizers 0: a Sequence within a Sequence is not supported"},
		{`{"type": "Strip"`, `null, {"type": "Strip"`, "normalizers 0: null is not supported"},
		{`{"type": "Strip"`, `{"type": "Precompiled", "precompiled_charsmap": "####"}, {"type": "Strip"`, `field "precompiled_charsmap": illegal base64`},
		{`{"type": "Strip"`, `{"type": "Precompiled", "precompiled_charsmap": "//////8="}, {"type": "Strip"`, "normalizers 0: the charsmap is cut short"},
		{`{"String": "x"}`, `{"Regex": "x+"}`, `the pattern "x+" of a Replace is not supported`},
		{`{"String": "x"}`, `{"String": ""}`, "the pattern of a Replace is empty"},
		{`{"String": "-"}`, `{"Regex": "-+"}`, `the pattern "-+" of a Split is not supported; only texts and the patterns of GPT-2 and BLOOM are`},
		{`{"String": "-"}`, `{}`, "the pattern of a Split is empty"},
		{`"Removed"`, `"Contiguous"`, `the behavior "Contiguous" of a Split is not supported`},
		{`{"type": "Split"`, `{"type": "ByteLevel", "add_prefix_space": true}, {"type": "Split"`, "Split after Metaspace or ByteLevel is not supported"},
		{`{"type": "Split"`, `{"type": "ByteLevel"}, {"type": "Split"`, `field "add_prefix_space" is missing`},
		{`"prepend_scheme": "always"`, `"prepend_scheme": "last"`, `prepend_scheme "last" is not supported`},
		{`"prepend_scheme": "always"`, `"prepend_scheme": "first", "add_prefix_space": false`, `add_prefix_space is false, but prepend_scheme is "first"`},
		{`"replacement": "▁", "prepend`, `"replacement": "__", "prepend`, `replacement "__" is not one character`},
		{`"type": "RobertaProcessing", `, `"type": "RobertaProcessing", "sep": "a", "cls": ["b", 2]}, "post": {`, `field "sep": `},
		{`{"type": "RobertaProcessing"`, `{"type": "Sequence", "processors": [{"type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 2]}, {"type": "RobertaProcessing"}]}, "post": {"type": "RobertaProcessing"`, "RobertaProcessing beside BertProcessing is not supported"},
		{`{"type": "Metaspace", "replacement": "▁", "add`, `{"type": "BPEDecoder", "replacement": "▁", "add`, "decoder: BPEDecoder is not supported"},
	} {
		content := strings.Replace(tinyUnigram, test.old, test.new, 1)
		if content == tinyUnigram {
			t.Fatalf("there is no %s", test.old)
		}
		_, err := parseJSON([]byte(content))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want a line that says %q", test.new, err, test.want)
		}
	}
}

func TestFirstAfterBertNormalizer(t *testing.T) {
	content := strings.Replace(tinyUnigram, `{"type": "Strip", "strip_left": true, "strip_right": true}`,
		`{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true}`, 1)
	if _, err := parseJSON([]byte(content)); err != nil {
		t.Errorf("with the scheme always: %v", err)
	}
	content = strings.Replace(content, `"always"`, `"first"`, 1)
	if _, err := parseJSON([]byte(content)); err == nil || !strings.Contains(err.Error(), "BertNormalizer") {
		t.Errorf("error %v", err)
	}
}
