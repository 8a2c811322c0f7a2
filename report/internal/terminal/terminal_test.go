package terminal

import (
	"bytes"
	"os"
	"testing"
)

func TestWhatIsNoTerminal(t *testing.T) {
	if Is(&bytes.Buffer{}) {
		t.Error("a buffer is taken for a terminal")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if Is(null) {
		t.Error("the null device is taken for a terminal")
	}
	if got := Width(null); got != defaultWidth {
		t.Errorf("width of the null device: got %d, want %d", got, defaultWidth)
	}
}

func TestUnicodeFollowsTheLocale(t *testing.T) {
	for _, c := range []struct {
		all, ctype, lang string
		want             bool
	}{
		{"", "", "", false},
		{"", "", "en_GB.UTF-8", true},
		{"", "", "C.utf8", true},
		{"", "", "C", false},
		{"", "C", "en_GB.UTF-8", false},
		{"de_DE.UTF-8", "C", "C", true},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_CTYPE", c.ctype)
		t.Setenv("LANG", c.lang)
		if got := Unicode(); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestStyled(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	if got := Styled()("1", "a"); got != "\x1b[1ma\x1b[0m" {
		t.Errorf("got %q", got)
	}
	if got := Styled()("1", ""); got != "" {
		t.Errorf("nothing is styled as %q", got)
	}
	t.Setenv("NO_COLOR", "1")
	if got := Styled()("1", "a"); got != "a" {
		t.Errorf("with NO_COLOR: got %q", got)
	}
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{
		"":                 0,
		"abc":              3,
		"Größe":            5,
		"Gro\u0308\u00dfe": 5,
		"中文":               4,
		"━╸":               2,
		"a\u200bb":         2,
	} {
		if got := Columns(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
