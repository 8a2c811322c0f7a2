package tokenizer

import (
	"encoding/binary"
	"strings"
	"testing"
)

// charsmapOf writes a charsmap of units and texts.
func charsmapOf(units []unit, texts string) []byte {
	content := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, u := range units {
		content = binary.LittleEndian.AppendUint32(content, uint32(u))
	}
	return append(content, texts...)
}

// oneRule returns the units of a charsmap that maps "a" to the text at 0.
func oneRule() []unit {
	const base, value = 0x100, 0x200
	units := make([]unit, 0x300)
	units[0] = base << 10
	units[base^'a'] = 'a' | 1<<8 | (base^'a'^value)<<10
	units[value] = 1 << 31
	return units
}

func TestCharsmap(t *testing.T) {
	m, err := newCharsmap(charsmapOf(oneRule(), "yes\x00no\x00"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"a": "yes", "ab": "yes", "b": "", "": "", "\x00a": ""} {
		if got, ok := m.lookup(text); got != want || ok != (want != "") {
			t.Errorf("lookup(%q) = %q, %t, want %q", text, got, ok, want)
		}
	}
}

func TestCharsmapRefuses(t *testing.T) {
	changed := func(at int, u unit) []byte {
		units := oneRule()
		units[at] = u
		return charsmapOf(units, "yes\x00é\x00")
	}
	whole := charsmapOf(oneRule(), "yes\x00")
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":             {nil, "it has no length"},
		"half a length":       {whole[:3], "it has no length"},
		"half an array":       {whole[:1000], "its double array has 3072 bytes, 996 are there"},
		"length of gigabytes": {[]byte("\xff\xff\xff\xffabcd"), "its double array has 4294967295 bytes, 4 are there"},
		"no array":            {charsmapOf(nil, "yes\x00"), "double array is empty"},
		"text not UTF-8":      {charsmapOf(oneRule(), "\xff\x00"), "not valid UTF-8"},
		"root outside":        {changed(0, 1<<31), "leads out of its double array"},
		"root with exponent":  {changed(0, 1<<9|0x3fffff<<10), "leads out of its double array"},
		"child outside":       {changed(0x100^'a', 'a'|0x1000<<10), "leads out of its double array"},
		"leaf outside":        {changed(0x100^'a', 'a'|1<<8|0x1000<<10), "leads out of its double array"},
		"text outside":        {changed(0x200, 1<<31|100), "a replacement at 100, where none starts"},
		"text within a char":  {changed(0x200, 1<<31|5), "a replacement at 5, where none starts"},
	} {
		_, err := newPrecompiled(test.content)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

// TestCharsmapOfALoop: states may lead back; keys are then as long as the text.
func TestCharsmapOfALoop(t *testing.T) {
	units := oneRule()
	units[0x100^'b'] = 'b' | 'b'<<10 // back to the state that it comes from
	p, err := newPrecompiled(charsmapOf(units, "yes\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(p.append(nil, "bbba")); got != "bbbyes" {
		t.Errorf("normalized to %q, want %q", got, "bbbyes")
	}
}
