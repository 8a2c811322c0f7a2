// Package terminal tells what the place that output goes to can show.
package terminal

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// defaultWidth is taken for a terminal that does not tell its width.
const defaultWidth = 80

// Is reports whether w is a terminal that understands cursor movements.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// Width is the terminal's width in columns as it is now.
func Width(file *os.File) int {
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		return defaultWidth
	}
	return columns
}

// Unicode reports whether the locale's characters are UTF-8.
func Unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(os.Getenv(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// Styled returns a function that gives text a style, by its SGR codes
// ("1" bold, "2" dim, "32" green), where styles are welcome (https://no-color.org).
func Styled() func(codes, text string) string {
	if os.Getenv("NO_COLOR") != "" {
		return Plain
	}
	return func(codes, text string) string {
		if text == "" {
			return ""
		}
		return "\x1b[" + codes + "m" + text + "\x1b[0m"
	}
}

// Plain is Styled where no styles are wanted.
func Plain(_, text string) string { return text }

// Columns is the number of columns that text without escape codes takes.
func Columns(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
