package pickle

import (
	"strings"
	"testing"
)

// FuzzLoad wants of any bytes that they are refused in one line, or read
// without running over their end.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		"\x80\x02}(U\x01aK\x01U\x01bNu.",
		"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x01m\x94\x8c\x06double\x94\x93\x94K\x04\x85\x94R\x94.",
		"\x80\x02" + newDict + "q\x00)Rq\x01(X\x01\x00\x00\x00aG\x3f\xf8\x00\x00\x00\x00\x00\x00u}b.",
		"\x80\x02]q\x00(h\x00K\x07M\x01\x02J\x01\x02\x03\x04\x8a\x01\xffNNN\x87e.",
		"\x80\x02(cos\nsystem\nU\x04trueo.",
		"\x80\x02" + newDict + "]](U\x01aNea\x85R.",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(strings.NewReader(string(text)), 0, int64(len(text)))
		_, err := Load(r, rules)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is more than one line", err)
		}
		if r.Offset() > int64(len(text)) {
			t.Errorf("read %d bytes of %d", r.Offset(), len(text))
		}
	})
}
