package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// Wire types of protocol buffers.
const (
	wireVarint = 0
	wireFixed8 = 1
	wireBytes  = 2
	wireFixed4 = 5
)

var errCutShort = errors.New("cut short")

// protoField is a field of a message: its number, its wire type, and what it
// holds.
type protoField struct {
	number uint64
	wire   int
	value  uint64 // of numbers
	data   []byte // of wireBytes
}

// protoFields calls f for the fields of a message in order, until it fails.
func protoFields(message []byte, f func(field protoField) error) error {
	size := len(message)
	for len(message) > 0 {
		at := size - len(message)
		field, rest, err := nextField(message)
		if err == nil {
			err = f(field)
			message = rest
		}
		if err != nil {
			return fmt.Errorf("byte %d: %w", at, err)
		}
	}
	return nil
}

func nextField(message []byte) (field protoField, rest []byte, err error) {
	key, rest, err := varint(message)
	if err != nil {
		return field, nil, err
	}
	field = protoField{number: key >> 3, wire: int(key & 7)}
	if field.number == 0 {
		return field, nil, errors.New("a field has the number 0")
	}
	switch field.wire {
	case wireVarint:
		field.value, rest, err = varint(rest)
	case wireFixed8:
		if len(rest) < 8 {
			return field, nil, errCutShort
		}
		field.value, rest = binary.LittleEndian.Uint64(rest), rest[8:]
	case wireFixed4:
		if len(rest) < 4 {
			return field, nil, errCutShort
		}
		field.value, rest = uint64(binary.LittleEndian.Uint32(rest)), rest[4:]
	case wireBytes:
		var size uint64
		if size, rest, err = varint(rest); err != nil {
			return field, nil, err
		}
		if size > uint64(len(rest)) {
			return field, nil, errCutShort
		}
		field.data, rest = rest[:size], rest[size:]
	default:
		return field, nil, fmt.Errorf("field %d has the wire type %d, which this file's format lacks", field.number, field.wire)
	}
	return field, rest, err
}

func varint(message []byte) (value uint64, rest []byte, err error) {
	value, n := binary.Uvarint(message)
	switch {
	case n == 0:
		return 0, nil, errCutShort
	case n < 0:
		return 0, nil, errors.New("a number has more than 64 bits")
	}
	return value, message[n:], nil
}

func (f protoField) is(wire int) error {
	if f.wire != wire {
		return fmt.Errorf("field %d has the wire type %d, want %d", f.number, f.wire, wire)
	}
	return nil
}

// The methods below decode a field that must be of their type.

func (f protoField) bytes(to *[]byte) error {
	*to = f.data
	return f.is(wireBytes)
}

func (f protoField) text(to *string) error {
	*to = string(f.data)
	if !utf8.Valid(f.data) {
		return fmt.Errorf("field %d is not valid UTF-8", f.number)
	}
	return f.is(wireBytes)
}

func (f protoField) float(to *float64) error {
	*to = float64(math.Float32frombits(uint32(f.value)))
	return f.is(wireFixed4)
}

func (f protoField) bool(to *bool) error {
	*to = f.value != 0
	return f.is(wireVarint)
}

// int32 decodes an int32 or an enumeration; protocol buffers write negative
// ones in 64 bits.
func (f protoField) int32(to *int32) error {
	v := int64(f.value)
	if v != int64(int32(v)) {
		return fmt.Errorf("field %d is %d, which has more than 32 bits", f.number, v)
	}
	*to = int32(v)
	return f.is(wireVarint)
}
