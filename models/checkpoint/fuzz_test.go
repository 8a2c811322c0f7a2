package checkpoint

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
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
