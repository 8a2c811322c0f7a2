package tokenizer

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spieceModel is an entry of testdata/spiece.json.
type spieceModel struct {
	content []byte
	config  json.RawMessage
	size    int
	cases   []spieceCase
}

func (m *spieceModel) UnmarshalJSON(content []byte) error {
	return json.Unmarshal(content, &[]any{&m.content, &m.config, &m.size, &m.cases})
}

type spieceCase struct {
	first, second    string
	ids              []int32
	decoded, skipped string
}

func (c *spieceCase) UnmarshalJSON(content []byte) error {
	return json.Unmarshal(content, &[]any{&c.first, &c.second, &c.ids, &c.decoded, &c.skipped})
}

func readSpieces(t testing.TB) map[string]spieceModel {
	t.Helper()
	var models map[string]spieceModel
	readJSON(t, "testdata/spiece.json", &models)
	return models
}

// writeSpiece returns a directory with a model and its configuration.
func writeSpiece(t testing.TB, m spieceModel) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "spiece.model"), string(m.content))
	if len(m.config) > 0 {
		writeFile(t, filepath.Join(dir, "tokenizer_config.json"), string(m.config))
	}
	return dir
}

func TestSpiece(t *testing.T) {
	for name, m := range readSpieces(t) {
		t.Run(name, func(t *testing.T) {
			tokenizer := load(t, writeSpiece(t, m))
			if got := tokenizer.VocabSize(); got != m.size {
				t.Errorf("VocabSize() = %d, want %d", got, m.size)
			}
			for _, c := range m.cases {
				checkCase(t, tokenizer, goldenCase{
					first: c.first, second: c.second, ids: c.ids, types: make([]int32, len(c.ids)),
					decoded: c.decoded, skipped: c.skipped,
				})
			}
		})
	}
}

// TestSpieceCutShort cuts a model at every byte: the end of each field is told
// by its length, and what a model must have comes last.
func TestSpieceCutShort(t *testing.T) {
	for _, name := range []string{"plain", "kinds"} {
		content := readSpieces(t)[name].content
		for size := range content {
			checkRefused(t, content[:size], "spiece.model: ")
		}
	}
}

// TestT5CutShort cuts T5's own model at every two-hundredth, and near its end.
func TestT5CutShort(t *testing.T) {
	content := readModel(t, t5Dir, "spiece.model")
	var sizes []int
	for i := range 200 {
		sizes = append(sizes, len(content)*i/200)
	}
	for i := range 100 {
		sizes = append(sizes, len(content)-1-i)
	}
	for _, size := range sizes {
		if _, err := parseSpiece(content[:size], new(config)); err == nil {
			t.Errorf("the first %d of %d bytes were read", size, len(content))
		}
	}
}

func checkRefused(t *testing.T, content []byte, want string) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "spiece.model"), string(content))
	_, err := Load(dir)
	switch {
	case err == nil:
		t.Errorf("a model of %d bytes was loaded", len(content))
	case !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n"):
		t.Errorf("error %q, want a line that says %q", err, want)
	}
}

// protoOf writes a message of fields given as number, value, number, value: a
// float32, a []byte or an int.
func protoOf(fields ...any) []byte {
	var message []byte
	varint := func(v uint64) {
		for ; v >= 0x80; v >>= 7 {
			message = append(message, byte(v)|0x80)
		}
		message = append(message, byte(v))
	}
	for i := 0; i < len(fields); i += 2 {
		number := uint64(fields[i].(int)) << 3
		switch v := fields[i+1].(type) {
		case float32:
			varint(number | wireFixed4)
			bits := math.Float32bits(v)
			message = append(message, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
		case []byte:
			varint(number | wireBytes)
			varint(uint64(len(v)))
			message = append(message, v...)
		case int:
			varint(number | wireVarint)
			varint(uint64(v))
		}
	}
	return message
}

func pieceOf(text string, score float32, kind int) []byte {
	return protoOf(1, []byte(text), 2, score, 3, kind)
}

func TestSpieceRefuses(t *testing.T) {
	unknown, end := pieceOf("<unk>", 0, unknownPiece), pieceOf("</s>", 0, controlPiece)
	trainer, normalizer := protoOf(3, 1, 40, 0), protoOf(3, 1)
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":             {nil, "cut short"},
		"no pieces":         {protoOf(2, trainer, 3, normalizer), "there are no pieces"},
		"BPE":               {protoOf(1, unknown, 1, end, 2, protoOf(3, 2), 3, normalizer), "model_type 2 is not supported; only 1, UNIGRAM, is"},
		"suffix":            {protoOf(1, unknown, 1, end, 2, protoOf(24, 1), 3, normalizer), "treat_whitespace_as_suffix"},
		"no prefix":         {protoOf(1, unknown, 1, end, 2, trainer, 3, protoOf(3, 0)), "add_dummy_prefix"},
		"no escape":         {protoOf(1, unknown, 1, end, 2, trainer, 3, protoOf(5, 0)), "escape_whitespaces"},
		"unknown elsewhere": {protoOf(1, unknown, 1, end, 2, protoOf(40, 1), 3, normalizer), "unk_id 1 is not the id of the unknown piece"},
		"unknown outside":   {protoOf(1, unknown, 1, end, 2, protoOf(40, 7), 3, normalizer), "unk_id 7"},
		"unknown negative":  {protoOf(1, unknown, 1, end, 2, protoOf(40, -1), 3, normalizer), "unk_id -1"},
		"no end":            {protoOf(1, unknown, 2, trainer, 3, normalizer), `token "</s>", which ends a text, is not in the vocabulary`},
		"twice":             {protoOf(1, unknown, 1, end, 1, end, 2, trainer, 3, normalizer), `pieces 1 and 2 are both "</s>"`},
		"no text":           {protoOf(1, unknown, 1, end, 1, protoOf(2, float32(1)), 2, trainer, 3, normalizer), "piece 2 is empty"},
		"not a number":      {protoOf(1, unknown, 1, end, 1, pieceOf("a", float32(math.NaN()), 1), 2, trainer, 3, normalizer), `piece 2, "a", has the score NaN`},
		"infinite":          {protoOf(1, unknown, 1, end, 1, pieceOf("a", float32(math.Inf(-1)), 1), 2, trainer, 3, normalizer), "has the score -Inf"},
		"kind":              {protoOf(1, unknown, 1, end, 1, pieceOf("a", 0, 9), 2, trainer, 3, normalizer), `piece 2, "a", is of the unknown type 9`},
		"not UTF-8":         {protoOf(1, pieceOf("\xff", 0, 1)), "byte 0: piece 0: byte 0: field 1 is not valid UTF-8"},
		"wire type":         {protoOf(1, 5), "field 1 has the wire type 0, want 2"},
		"group":             {[]byte{0x0b}, "field 1 has the wire type 3"},
		"field 0":           {[]byte{0x00}, "a field has the number 0"},
		"long number":       {[]byte(strings.Repeat("\xff", 11)), "more than 64 bits"},
		"long field":        {[]byte("\x0a\xff\xff\xff\xff\x0f"), "byte 0: cut short"},
		"charsmap":          {protoOf(1, unknown, 1, end, 2, trainer, 3, protoOf(2, []byte("\xff\xff\xff\xff"))), "normalizer_spec: the charsmap is cut short"},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, test.content, test.want) })
	}
}

func TestSpieceConfigRefuses(t *testing.T) {
	for config, want := range map[string]string{
		`{"extra_ids": -1}`:                      "extra_ids of the configuration is -1",
		`{"extra_ids": 2000000000}`:              "extra_ids of the configuration is 2000000000",
		`{"extra_ids": "many"}`:                  "tokenizer_config.json: ",
		`{"eos_token": "<end>"}`:                 `token "<end>", which ends a text, is not in the vocabulary`,
		`{"added_tokens_decoder": {"x": "<a>"}}`: `"x" is not an id`,
	} {
		m := readSpieces(t)["plain"]
		m.config = json.RawMessage(config)
		_, err := Load(writeSpiece(t, m))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func TestEOSAndPadOfT5(t *testing.T) {
	tokenizer := load(t, writeSpiece(t, readSpieces(t)["plain"]))
	if id, ok := tokenizer.EOSID(); id != 1 || !ok || tokenizer.PadID() != 0 {
		t.Errorf("EOSID() = %d, %t, PadID() = %d, want 1, true, 0", id, ok, tokenizer.PadID())
	}
	if ids := tokenizer.Encode("the", 0).IDs; ids[len(ids)-1] != 1 {
		t.Errorf("ids %v do not end with that of </s>", ids)
	}
	limited := tokenizer.Encode(strings.Repeat("the ", 9), 4).IDs
	if len(limited) != 4 || limited[3] != 1 {
		t.Errorf("ids %v are not four that end with that of </s>", limited)
	}
	words := tokenizer.EncodePlain("the new line")
	if want := tokenizer.Encode("the new line", 0).IDs; !slices.Equal(words, want[:len(want)-1]) {
		t.Errorf("plain ids %v, want %v without the last", words, want)
	}
}

// TestT5Configuration: what T5's configuration says is what holds without it.
func TestT5Configuration(t *testing.T) {
	alone := load(t, copyFiles(t, t5Dir, "spiece.model"))
	configured := load(t, copyFiles(t, t5Dir, "spiece.model", "tokenizer_config.json", "special_tokens_map.json"))
	whole := load(t, t5Dir)
	const text = "<extra_id_0> was <pad>here</s> <extra_id_99> ½"
	want := []int32{32099, 47, 0, 270, 1, 32000, 209, 2, 357, 1} // tokenizers 0.23.3
	for name, tokenizer := range map[string]*Tokenizer{"alone": alone, "configured": configured, "tokenizer.json": whole} {
		if got := tokenizer.Encode(text, 0).IDs; !slices.Equal(got, want) {
			t.Errorf("%s: ids %v, want %v", name, got, want)
		}
		if size := tokenizer.VocabSize(); size != 32100 {
			t.Errorf("%s: VocabSize() = %d, want 32100", name, size)
		}
		if id, ok := tokenizer.EOSID(); id != 1 || !ok || tokenizer.PadID() != 0 {
			t.Errorf("%s: EOSID() = %d, %t, PadID() = %d, want 1, true, 0", name, id, ok, tokenizer.PadID())
		}
	}
}

func TestSpecialTokensMap(t *testing.T) {
	dir := writeSpiece(t, readSpieces(t)["plain"])
	writeFile(t, filepath.Join(dir, "special_tokens_map.json"), `{"pad_token": "<unk>", "eos_token": {"content": "</s>"}}`)
	if got := load(t, dir).PadID(); got != 2 {
		t.Errorf("PadID() = %d, want 2", got)
	}
	writeFile(t, filepath.Join(dir, "tokenizer_config.json"), `{"pad_token": "</s>"}`)
	if got := load(t, dir).PadID(); got != 1 {
		t.Errorf("PadID() = %d, want that of tokenizer_config.json, 1", got)
	}
}
