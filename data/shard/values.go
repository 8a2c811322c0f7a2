package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/format"

	"github.com/gopet-ml/gopet/data/column"
)

var errDictionary = errors.New("it refers to an entry that its dictionary does not have")

// plainDictionary is what older writers call format.RLEDictionary.
const plainDictionary format.Encoding = 2

// decodeValues decodes the n values of a page, nulls not among them.
// https://github.com/apache/parquet-format/blob/master/Encodings.md
func decodeValues(l *leaf, encoding format.Encoding, data []byte, n int, dictionary *column.Values) (*column.Values, error) {
	values := &column.Values{Schema: column.Schema{Kind: l.valueKind()}}
	switch {
	case n == 0:
		return values, nil
	case encoding == format.Plain:
		return values, decodePlain(values, l.physical, data, n)
	case encoding == plainDictionary || encoding == format.RLEDictionary:
		return values, decodeIndexed(values, dictionary, data, n)
	case encoding == format.RLE && l.physical == format.Boolean:
		return values, decodeRunLengthBools(values, data, n)
	case encoding == format.DeltaBinaryPacked && values.Kind == column.Int:
		ints, _, err := decodeDelta(data, n)
		values.Ints = ints
		return values, err
	case encoding == format.DeltaLengthByteArray && values.Kind == column.String:
		strings, err := decodeDeltaLengths(data, n)
		values.Strings = strings
		return values, err
	case encoding == format.DeltaByteArray && values.Kind == column.String:
		strings, err := decodeDeltaStrings(data, n)
		values.Strings = strings
		return values, err
	default:
		return nil, fmt.Errorf("encoding %s of %s values is not supported", encoding, l.physical)
	}
}

// width is the size in bytes of a plain value of fixed size.
var width = map[format.Type]int{format.Int32: 4, format.Float: 4, format.Int64: 8, format.Double: 8}

func decodePlain(values *column.Values, physical format.Type, data []byte, n int) error {
	if size, fixed := width[physical]; fixed && n > len(data)/size {
		return errShort
	}
	switch physical {
	case format.Int32:
		values.Ints = make([]int64, n)
		for i := range values.Ints {
			values.Ints[i] = int64(int32(binary.LittleEndian.Uint32(data[4*i:])))
		}
	case format.Int64:
		values.Ints = make([]int64, n)
		for i := range values.Ints {
			values.Ints[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
	case format.Float:
		values.Floats = make([]float64, n)
		for i := range values.Floats {
			values.Floats[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		}
	case format.Double:
		values.Floats = make([]float64, n)
		for i := range values.Floats {
			values.Floats[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	case format.Boolean:
		if n > 8*len(data) {
			return errShort
		}
		values.Bools = make([]bool, n)
		for i := range values.Bools {
			values.Bools[i] = data[i/8]>>(i%8)&1 == 1
		}
	case format.ByteArray:
		strings, err := decodePlainStrings(data, n)
		values.Strings = strings
		return err
	default:
		return fmt.Errorf("%s values are not supported", physical)
	}
	return nil
}

func decodePlainStrings(data []byte, n int) ([]string, error) {
	const prefix = 4
	if n > len(data)/prefix {
		return nil, errShort
	}
	page := string(data) // one copy for all the values that share it
	out := make([]string, n)
	at := 0
	for i := range out {
		if len(page)-at < prefix {
			return nil, errShort
		}
		length := int(binary.LittleEndian.Uint32(data[at:]))
		at += prefix
		if length > len(page)-at {
			return nil, errShort
		}
		out[i] = page[at : at+length]
		at += length
	}
	return out, nil
}

func decodeIndexed(values, dictionary *column.Values, data []byte, n int) error {
	if dictionary == nil {
		return errors.New("it needs a dictionary, and there is none before it")
	}
	if len(data) == 0 {
		return errShort
	}
	indices := make([]uint32, n)
	if err := decodeHybrid(data[1:], int(data[0]), indices); err != nil {
		return err
	}
	var ok bool
	switch values.Kind {
	case column.String:
		values.Strings, ok = lookUp(dictionary.Strings, indices)
	case column.Int:
		values.Ints, ok = lookUp(dictionary.Ints, indices)
	case column.Float:
		values.Floats, ok = lookUp(dictionary.Floats, indices)
	}
	if !ok {
		return errDictionary
	}
	return nil
}

func lookUp[T any](dictionary []T, indices []uint32) ([]T, bool) {
	out := make([]T, len(indices))
	for i, index := range indices {
		if int64(index) >= int64(len(dictionary)) {
			return nil, false
		}
		out[i] = dictionary[index]
	}
	return out, true
}

// decodeRunLengthBools decodes bits in the hybrid encoding after its length.
func decodeRunLengthBools(values *column.Values, data []byte, n int) error {
	if len(data) < 4 {
		return errShort
	}
	bits := make([]uint32, n)
	if err := decodeHybrid(data[4:], 1, bits); err != nil {
		return err
	}
	values.Bools = make([]bool, n)
	for i, bit := range bits {
		values.Bools[i] = bit == 1
	}
	return nil
}
