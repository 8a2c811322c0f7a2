package tokenizer

import (
	"strconv"
	"testing"
)

// TestParseNumber compares with what tokenizers reads, which differs from the
// nearest float64 for some.
func TestParseNumber(t *testing.T) {
	other := 0
	for _, number := range readGolden(t).Numbers {
		text := number[0]
		want, err := strconv.ParseFloat(number[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseNumber(text)
		if err != nil || got != want {
			t.Errorf("parseNumber(%q) = %v, %v, want %v", text, got, err, want)
		}
		if nearest, _ := strconv.ParseFloat(text, 64); nearest != want {
			other++
		}
	}
	if other == 0 {
		t.Error("no number tells the two ways apart")
	}
}

func TestParseNumberTooLarge(t *testing.T) {
	for _, text := range []string{"1e309", "-1e400", "9e99999999999999999999", "2e308"} {
		if got, err := parseNumber(text); err == nil {
			t.Errorf("parseNumber(%q) = %v, want an error", text, got)
		}
	}
}
