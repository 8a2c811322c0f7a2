package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	// maxHeader is the reference reader's limit.
	maxHeader = 100_000_000
	// prefixSize is the length of the header's length, before the header.
	prefixSize = 8
	// metadataKey is the one key of a header that is no tensor.
	metadataKey = "__metadata__"
)

// entry is a tensor and its span in the data that follows the header.
type entry struct {
	Info
	begin, end int64
}

type header struct {
	entries  []entry // in the order of their data
	metadata map[string]string
}

// parseHeader reads the header of a file whose data has dataSize bytes.
func parseHeader(text []byte, dataSize int64) (header, error) {
	h, err := decodeHeader(text)
	if err != nil {
		return header{}, fmt.Errorf("header: %w", err)
	}
	return h, h.checkSpans(dataSize)
}

func decodeHeader(text []byte) (header, error) {
	if len(text) == 0 || text[0] != '{' {
		return header{}, errors.New("does not begin with '{': not a safetensors file")
	}
	// The format pads with spaces alone; other white space could hide data.
	text = bytes.TrimRight(text, " ")
	if text[len(text)-1] != '}' {
		return header{}, errors.New("does not end with '}' and spaces")
	}
	dec, err := newDecoder(text)
	if err != nil {
		return header{}, err
	}
	h := header{metadata: map[string]string{}}
	err = decodeObject(dec, func(key string) error {
		if key == metadataKey {
			return decodeMetadata(dec, h.metadata)
		}
		e, err := decodeEntry(dec, key)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		h.entries = append(h.entries, e)
		return nil
	})
	return h, err
}

func decodeMetadata(dec *json.Decoder, metadata map[string]string) error {
	err := decodeObject(dec, func(key string) error {
		value, err := decodeString(dec)
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		metadata[key] = value
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", metadataKey, err)
	}
	return nil
}

func decodeEntry(dec *json.Decoder, name string) (entry, error) {
	e := entry{Info: Info{Name: name}}
	var offsets []int64
	err := decodeObject(dec, func(key string) (err error) {
		switch key {
		case "dtype":
			var s string
			s, err = decodeString(dec)
			e.DType = DType(s)
		case "shape":
			e.Shape, err = decodeCounts(dec)
		case "data_offsets":
			offsets, err = decodeCounts(dec)
		default:
			return fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return e, err
	case e.DType == "":
		return e, errors.New("no dtype")
	case e.Shape == nil:
		return e, errors.New("no shape")
	case len(offsets) != 2:
		return e, fmt.Errorf("data_offsets %v are not two numbers", offsets)
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, e.checkSize()
}

func (e entry) checkSize() error {
	if e.begin > e.end {
		return fmt.Errorf("data_offsets [%d, %d] run backwards", e.begin, e.end)
	}
	need, err := e.numBytes()
	if err != nil {
		return err
	}
	if e.end-e.begin != need {
		return fmt.Errorf("data_offsets [%d, %d] hold %d bytes, shape %v of %s needs %d",
			e.begin, e.end, e.end-e.begin, e.Shape, e.DType, need)
	}
	return nil
}

// checkSpans orders the entries by their data and checks that they cover it all.
func (h header) checkSpans(dataSize int64) error {
	slices.SortFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.Name, b.Name))
	})
	covered, before := int64(0), "the header"
	for _, e := range h.entries {
		switch {
		case e.begin < covered:
			return fmt.Errorf("tensor %q: its data begins at %d, inside that of %s, which ends at %d", e.Name, e.begin, before, covered)
		case e.begin > covered:
			return fmt.Errorf("tensor %q: its data begins at %d, leaving a hole after %s, which ends at %d", e.Name, e.begin, before, covered)
		case e.end > dataSize:
			return fmt.Errorf("tensor %q: its data ends at %d, but the file holds %d bytes of data: it was cut short", e.Name, e.end, dataSize)
		}
		covered, before = e.end, fmt.Sprintf("tensor %q", e.Name)
	}
	if covered < dataSize {
		return fmt.Errorf("%d bytes after the last tensor", dataSize-covered)
	}
	return nil
}
