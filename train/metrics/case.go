package metrics

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The scripts that this package equals are Python's, and so is their notion of
// lower case and of white space.

// lower is Python's str.lower, Unicode's full mapping: as strings.ToLower, but
// for a capital sigma at the end of a word and for the dotted capital i.
func lower(text string) string {
	if !strings.ContainsAny(text, "\u03a3\u0130") {
		return strings.ToLower(text)
	}
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == '\u0130':
			out.WriteString("i\u0307")
		case r == '\u03a3' && endsWord(text[:i], text[i+utf8.RuneLen(r):]):
			out.WriteRune('\u03c2')
		default:
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// endsWord is Unicode's condition Final_Sigma on what is before and after a
// letter: with characters passed over that do not matter to case, a letter
// with case stands before and none after.
func endsWord(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(before, ignoresCase))
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(after, ignoresCase))
	return hasCase(last) && !hasCase(next)
}

// hasCase is Unicode's property Cased.
func hasCase(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}

// ignoresCase is Unicode's property Case_Ignorable.
func ignoresCase(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}

// isSpace reports whether Python's str.split and str.strip take r for white
// space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }
