package main

import (
	"strings"
	"testing"
)

func TestParseRowRefusesWhatIsNotOneObject(t *testing.T) {
	for line, want := range map[string]string{
		`{"text":"a"} x`:           "not a JSON object",
		`{"text":"a"}{"text":"b"}`: "not a JSON object",
		"{\"text\":\"a\xff\"}":     "not valid UTF-8",
		`["a"]`:                    "not a list",
	} {
		if _, err := parseRow([]byte(line), "rows", 3, []string{"text"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}
