package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"unicode/utf8"

	"github.com/gopet-ml/gopet/internal/atomicfile"
)

// Tensor is a tensor to write.
type Tensor struct {
	Name  string
	DType DType
	Shape []int64
	Data  []byte // little-endian, row-major
}

// Write makes or replaces the safetensors file at path, whole or not at all.
// Tensors go in the reference writer's order (widest dtype first, then by
// name), so the same tensors give the same bytes, in whatever order they come.
func Write(path string, tensors []Tensor, metadata map[string]string) error {
	infos := make([]Info, len(tensors))
	data := make(map[string][]byte, len(tensors))
	for i, t := range tensors {
		infos[i] = Info{t.Name, t.DType, t.Shape}
		data[t.Name] = t.Data
	}
	return WriteFrom(path, infos, func(name string) ([]byte, error) { return data[name], nil }, metadata)
}

// WriteFrom is Write for tensors that are not all in memory: data is called
// once for each tensor, in the order of the file, and the slice it returns is
// no longer used when it is called again.
func WriteFrom(path string, infos []Info, data func(name string) ([]byte, error), metadata map[string]string) error {
	entries, err := layOut(infos)
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	head, err := encodeHeader(entries, metadata)
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, e := range entries {
			bytes, err := data(e.Name)
			if err != nil {
				return fmt.Errorf("tensor %q: %w", e.Name, err)
			}
			if need := e.end - e.begin; int64(len(bytes)) != need {
				return fmt.Errorf("tensor %q: %d bytes of data, shape %v of %s needs %d", e.Name, len(bytes), e.Shape, e.DType, need)
			}
			if _, err := w.Write(bytes); err != nil {
				return err
			}
		}
		return nil
	})
}

func layOut(infos []Info) ([]entry, error) {
	entries := make([]entry, len(infos))
	for i, info := range infos {
		size, err := info.numBytes()
		switch {
		case err != nil:
			return nil, fmt.Errorf("tensor %q: %w", info.Name, err)
		case info.Name == metadataKey || !utf8.ValidString(info.Name):
			return nil, fmt.Errorf("tensor %q: not a name for a tensor", info.Name)
		}
		entries[i] = entry{Info: info, end: size}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.DType.rank(), a.DType.rank()), cmp.Compare(a.Name, b.Name))
	})
	names := make(map[string]bool, len(entries))
	offset := int64(0)
	for i := range entries {
		e := &entries[i]
		if names[e.Name] {
			return nil, fmt.Errorf("tensor %q comes twice", e.Name)
		}
		names[e.Name] = true
		e.begin, e.end = offset, offset+e.end
		if e.end < offset {
			return nil, errors.New("more bytes in all than can be counted")
		}
		offset = e.end
	}
	return entries, nil
}

// encodeHeader returns the header with its length before it, padded with
// spaces so that the data is aligned to 8 bytes.
func encodeHeader(entries []entry, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, prefixSize))
	b.WriteByte('{')
	if len(metadata) > 0 {
		if err := encodeMember(&b, metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		err := encodeMember(&b, e.Name, struct {
			DType   DType    `json:"dtype"`
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{e.DType, append([]int64{}, e.Shape...), [2]int64{e.begin, e.end}})
		if err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	length := b.Len() - prefixSize
	if length > maxHeader {
		return nil, fmt.Errorf("header of %d bytes is above the limit of %d", length, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(length))
	return b.Bytes(), nil
}

func encodeMember(b *bytes.Buffer, key string, value any) error {
	if b.Len() > prefixSize+1 {
		b.WriteByte(',')
	}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false) // as the reference writer, which leaves < and > alone
	if err := enc.Encode(key); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder ends each value with a new line
	b.WriteByte(':')
	if err := enc.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	return nil
}
