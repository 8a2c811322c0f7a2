package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/models/checkpoint/internal/pickle"
)

// FuzzHeader wants of any header that is taken: every byte of the data belongs
// to exactly one tensor, and writing its tensors gives a header of the same
// meaning.
func FuzzHeader(f *testing.F) {
	whole, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	length := binary.LittleEndian.Uint64(whole)
	f.Add(whole[prefixSize:prefixSize+length], int64(len(whole))-prefixSize-int64(length))
	f.Add([]byte(`{}`), int64(0))
	f.Add([]byte(`{"__metadata__":{"a":"b"},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  `), int64(8))
	f.Add([]byte(`{"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, dataSize int64) {
		if dataSize < 0 {
			return
		}
		h, err := parseHeader(text, dataSize)
		if err != nil {
			return
		}
		covered := int64(0)
		infos := make([]Info, len(h.entries))
		for i, e := range h.entries {
			if e.begin != covered || e.end-e.begin != e.NumBytes() {
				t.Fatalf("tensor %q covers %d to %d, after %d, with %d bytes", e.Name, e.begin, e.end, covered, e.NumBytes())
			}
			covered = e.end
			infos[i] = e.Info
		}
		if covered != dataSize {
			t.Fatalf("%d of %d bytes are covered", covered, dataSize)
		}
		checkRoundTrip(t, h, infos, dataSize)
	})
}

func checkRoundTrip(t *testing.T, h header, infos []Info, dataSize int64) {
	entries, err := layOut(infos)
	if err != nil {
		t.Fatal(err)
	}
	head, err := encodeHeader(entries, h.metadata)
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseHeader(head[prefixSize:], dataSize)
	if err != nil {
		t.Fatalf("%v in %q", err, head)
	}
	if diff := cmp.Diff(h.metadata, again.metadata); diff != "" {
		t.Fatalf("metadata (-first +again):\n%s", diff)
	}
	byName := map[string]Info{}
	for _, e := range again.entries {
		byName[e.Name] = e.Info
	}
	for _, info := range infos {
		if diff := cmp.Diff(info, byName[info.Name]); diff != "" {
			t.Fatalf("tensor %q (-first +again):\n%s", info.Name, diff)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1},"weight_map":{"a":"s-2","b":"s-1"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		index, err := parseIndex(text)
		if err != nil {
			return
		}
		for shard := range index {
			if shard == "" || shard == "." || shard == ".." || bytes.ContainsRune([]byte(shard), '/') {
				t.Fatalf("shard %q may lie outside the directory", shard)
			}
		}
	})
}

// FuzzPickleFile wants of any file that it is refused in one line, or that all
// it says it holds can be read.
func FuzzPickleFile(f *testing.F) {
	for _, pattern := range []string{"*.bin", "sharded/*.bin", "refused/*.bin"} {
		paths, err := filepath.Glob(filepath.Join(pickles, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
	path := filepath.Join(f.TempDir(), "fuzz.bin")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		checkReadable(t, path)
	})
}

// FuzzPickle goes for the pickle in an archive, behind the archive's structure.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(good))
	for _, name := range []string{"zip-2.bin", "zip-4.bin", "module.bin", "without-types.bin"} {
		file, err := zip.OpenReader(filepath.Join(pickles, name))
		if err != nil {
			f.Fatal(err)
		}
		defer file.Close()
		content, err := fs.ReadFile(file, "archive/data.pkl")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		found := func(key string, s *storage) error {
			if s.numBytes() > 1000 {
				return errors.New("too long for its record")
			}
			return nil
		}
		s := &storages{byKey: map[string]*storage{}, found: found}
		value, err := pickle.Load(pickle.NewReader(bytes.NewReader(content), 0, int64(len(content))), s.rules())
		if err != nil {
			return
		}
		p := &PickleFile{byName: map[string]*strided{}}
		if err := p.list(value, 1000); err != nil {
			return
		}
		data := bytes.NewReader(make([]byte, 1000))
		for name, tensor := range p.byName {
			info, _ := p.Info(name)
			if err := tensor.readInto(make([]byte, info.NumBytes()), data); err != nil {
				t.Errorf("tensor %q: %v", name, err)
			}
		}
		p.Tied()
	})
}
