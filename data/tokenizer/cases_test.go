package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// golden is testdata/cases.json.
type golden struct {
	Files   map[string]json.RawMessage `json:"files"`
	Lengths [][5]int                   `json:"lengths"`
	Numbers [][2]string                `json:"numbers"` // a text and what it is read as, in hexadecimal
	Results map[string]struct {
		Size   int          `json:"size"`
		Tokens []*string    `json:"tokens"` // of the last 12 ids, and of the one after them
		Cases  []goldenCase `json:"cases"`
	} `json:"results"`
}

type goldenCase struct {
	first, second    string
	ids, types       []int32
	decoded, skipped string
}

func (c *goldenCase) UnmarshalJSON(content []byte) error {
	return json.Unmarshal(content, &[]any{&c.first, &c.second, &c.ids, &c.types, &c.decoded, &c.skipped})
}

func readGolden(t testing.TB) golden {
	t.Helper()
	var g golden
	readJSON(t, "testdata/cases.json", &g)
	return g
}

func TestCases(t *testing.T) {
	g := readGolden(t)
	for name, file := range g.Files {
		t.Run(name, func(t *testing.T) {
			tokenizer := loadJSON(t, file)
			want := g.Results[name]
			if got := tokenizer.VocabSize(); got != want.Size {
				t.Errorf("VocabSize() = %d, want %d", got, want.Size)
			}
			for i, want := range want.Tokens {
				checkToken(t, tokenizer, int32(tokenizer.VocabSize()-12+i), want)
			}
			for _, c := range want.Cases {
				checkCase(t, tokenizer, c)
			}
		})
	}
}

func checkToken(t *testing.T, tokenizer *Tokenizer, id int32, want *string) {
	t.Helper()
	got, ok := tokenizer.IDToToken(id)
	if ok != (want != nil) || ok && got != *want {
		t.Errorf("IDToToken(%d) = %q, %t, want %v", id, got, ok, want)
	}
}

func checkCase(t *testing.T, tokenizer *Tokenizer, c goldenCase) {
	t.Helper()
	got := tokenizer.EncodePair(c.first, c.second, 0)
	if !slices.Equal(got.IDs, c.ids) || !slices.Equal(got.Types, c.types) {
		t.Errorf("EncodePair(%q, %q) =\n%v %v, want\n%v %v", c.first, c.second, got.IDs, got.Types, c.ids, c.types)
	}
	if decoded := tokenizer.Decode(c.ids, false); decoded != c.decoded {
		t.Errorf("Decode(%v) = %q, want %q", c.ids, decoded, c.decoded)
	}
	if decoded := tokenizer.Decode(c.ids, true); decoded != c.skipped {
		t.Errorf("Decode(%v, skipping) = %q, want %q", c.ids, decoded, c.skipped)
	}
}

func TestTruncation(t *testing.T) {
	g := readGolden(t)
	tokenizer := loadJSON(t, g.Files["bert"])
	sep, _ := tokenizer.TokenToID("[SEP]")
	for _, c := range g.Lengths {
		ids := tokenizer.EncodePair(strings.Repeat("a ", c[0]), strings.Repeat("a ", c[1]), c[2]).IDs
		first := slices.Index(ids, sep) - 1
		if second := len(ids) - 3 - first; first != c[3] || second != c[4] {
			t.Errorf("%d and %d tokens cut to %d: %d and %d left, want %d and %d", c[0], c[1], c[2], first, second, c[3], c[4])
		}
	}
}

func TestTruncationOfOneText(t *testing.T) {
	tokenizer := loadJSON(t, readGolden(t).Files["added"])
	text := "the <a>new line unbelievable [MASK] <d>Été"
	whole := tokenizer.Encode(text, 0)
	content := (len(whole.IDs) - 1) / 2 // its template takes the text twice
	for limit := 1; limit < content+3; limit++ {
		got := tokenizer.Encode(text, limit)
		n := min(limit-1, content)
		want := slices.Concat(whole.IDs[:1], whole.IDs[1:1+n], whole.IDs[1:1+n])
		if !slices.Equal(got.IDs, want) {
			t.Errorf("limit %d: %v, want %v", limit, got.IDs, want)
		}
	}
}

func TestLimitBelowSpecialTokens(t *testing.T) {
	tokenizer := loadJSON(t, readGolden(t).Files["bert"])
	if got := tokenizer.Encode("the new line", 1).IDs; len(got) != 2 {
		t.Errorf("ids %v, want the two special tokens", got)
	}
}

func TestInvalidUTF8CountsAsReplacement(t *testing.T) {
	g := readGolden(t)
	for name, file := range g.Files {
		tokenizer := loadJSON(t, file)
		got := tokenizer.EncodePair("a\xffb \xe4\xb8<a>", "\xc3 ", 0)
		want := tokenizer.EncodePair("a\ufffdb \ufffd\ufffd<a>", "\ufffd ", 0)
		if !slices.Equal(got.IDs, want.IDs) {
			t.Errorf("%s: ids %v, want %v", name, got.IDs, want.IDs)
		}
	}
}

func TestAppendPairKeepsWhatIsThere(t *testing.T) {
	tokenizer := loadJSON(t, readGolden(t).Files["bert"])
	first, second := tokenizer.Encode("the new", 0), tokenizer.EncodePair("line", "do", 0)
	var both Encoding
	both = tokenizer.AppendPair(both, "the new", "", 0)
	both = tokenizer.AppendPair(both, "line", "do", 0)
	if want := slices.Concat(first.IDs, second.IDs); !slices.Equal(both.IDs, want) {
		t.Errorf("ids %v, want %v", both.IDs, want)
	}
	if want := slices.Concat(first.Types, second.Types); !slices.Equal(both.Types, want) {
		t.Errorf("types %v, want %v", both.Types, want)
	}
}

func TestManyGoroutines(t *testing.T) {
	g := readGolden(t)
	tokenizer := loadJSON(t, g.Files["added"])
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for range 20 {
				for _, c := range g.Results["added"].Cases {
					checkCase(t, tokenizer, c)
				}
			}
		})
	}
}
