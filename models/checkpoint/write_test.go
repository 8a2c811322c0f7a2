package checkpoint

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWriteEqualsReference writes the golden file's tensors, in another order,
// and wants the reference writer's bytes.
func TestWriteEqualsReference(t *testing.T) {
	f := mustOpen(t, golden)
	var tensors []Tensor
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		tensors = append(tensors, Tensor{name, info.DType, info.Shape, mustRead(t, f, name)})
	}
	rand.Shuffle(len(tensors), func(i, j int) { tensors[i], tensors[j] = tensors[j], tensors[i] })
	path := filepath.Join(t.TempDir(), "again.safetensors")
	if err := Write(path, tensors, f.Metadata()); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("the bytes differ:\n got %q\nwant %q", got, want)
	}
}

func TestWriteFromReusesItsBuffer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	buffer := make([]byte, 1)
	infos := []Info{{"b", Int8, []int64{1}}, {"a", Int8, []int64{1}}}
	err := WriteFrom(path, infos, func(name string) ([]byte, error) {
		buffer[0] = name[0]
		return buffer, nil
	}, map[string]string{"z": "1", "y": "2"})
	if err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	for _, name := range []string{"a", "b"} {
		if got := mustRead(t, f, name); got[0] != name[0] {
			t.Errorf("tensor %s holds %q", name, got)
		}
	}
	if got := f.Metadata(); len(got) != 2 || got["z"] != "1" || got["y"] != "2" {
		t.Errorf("metadata %v", got)
	}
}

func TestWriteRefusesAndLeavesNothing(t *testing.T) {
	errRead := errors.New("refused")
	good := Info{"a", Int8, []int64{2}}
	for _, test := range []struct {
		name  string
		infos []Info
		data  []byte
		err   error
		parts []string
	}{
		{"unknown dtype", []Info{{"a", "F8_E4M3", []int64{2}}}, nil, nil, []string{`"a"`, `unknown dtype "F8_E4M3"`}},
		{"no dtype", []Info{{"a", "", []int64{2}}}, nil, nil, []string{`"a"`, `unknown dtype ""`}},
		{"negative dimension", []Info{{"a", Int8, []int64{-2}}}, nil, nil, []string{`"a"`, "negative"}},
		{"overflow", []Info{{"a", Int8, []int64{1 << 40, 1 << 40}}}, nil, nil, []string{`"a"`, "more bytes than can be counted"}},
		{"overflow in all", []Info{{"a", Int8, []int64{1 << 62}}, {"b", Int8, []int64{1 << 62}}}, nil, nil, []string{"more bytes in all"}},
		{"name twice", []Info{good, good}, nil, nil, []string{`"a" comes twice`}},
		{"metadata as a tensor", []Info{{"__metadata__", Int8, nil}}, nil, nil, []string{"not a name"}},
		{"name not UTF-8", []Info{{"\xff", Int8, nil}}, nil, nil, []string{"not a name"}},
		{"header too long", []Info{{strings.Repeat("a", maxHeader), Int8, nil}}, nil, nil, []string{"above the limit"}},
		{"too little data", []Info{good}, []byte{1}, nil, []string{`"a"`, "1 bytes of data", "needs 2"}},
		{"too much data", []Info{good}, []byte{1, 2, 3}, nil, []string{`"a"`, "3 bytes of data", "needs 2"}},
		{"data fails", []Info{good}, nil, errRead, []string{`"a"`, "refused"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "x.safetensors")
			err := WriteFrom(path, test.infos, func(string) ([]byte, error) { return test.data, test.err }, nil)
			wantOneLine(t, err, append(test.parts, "write "+path)...)
			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v within", err, test.err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
