package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The compact protocol's type codes.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
const (
	thriftStop   = 0
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

const (
	maxThriftDepth    = 32
	maxThriftElements = 1 << 21
)

var errThrift = errors.New("malformed metadata")

// structLength returns how many bytes the compact-protocol struct at the
// start of data takes. It is run before parquet-go's decoder, which allocates
// whatever length a list or a string claims: after it every length is known to
// fit the data, and the number of list elements is bounded.
func structLength(data []byte) (int, error) {
	s := thriftScanner{data: data}
	if err := s.skipStruct(0); err != nil {
		return 0, err
	}
	return s.pos, nil
}

type thriftScanner struct {
	data     []byte
	pos      int
	elements int
}

func (s *thriftScanner) skipStruct(depth int) error {
	if depth > maxThriftDepth {
		return fmt.Errorf("%w: nested too deeply", errThrift)
	}
	for {
		header, err := s.readByte()
		if err != nil {
			return err
		}
		if header == thriftStop {
			return nil
		}
		if header>>4 == 0 { // the field's number follows instead of a step
			if _, err := s.readVarint(); err != nil {
				return err
			}
		}
		// A bool field's value is its type.
		if kind := header & 0x0f; kind != thriftTrue && kind != thriftFalse {
			if err := s.skipValue(kind, depth); err != nil {
				return err
			}
		}
	}
}

func (s *thriftScanner) skipValue(kind byte, depth int) error {
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		return s.advance(1)
	case thriftInt16, thriftInt32, thriftInt64:
		_, err := s.readVarint()
		return err
	case thriftDouble:
		return s.advance(8)
	case thriftBinary:
		n, err := s.readVarint()
		if err != nil {
			return err
		}
		return s.advance(n)
	case thriftList, thriftSet:
		return s.skipList(depth + 1)
	case thriftMap:
		return s.skipMap(depth + 1)
	case thriftStruct:
		return s.skipStruct(depth + 1)
	default:
		return fmt.Errorf("%w: unknown type %d", errThrift, kind)
	}
}

func (s *thriftScanner) skipList(depth int) error {
	header, err := s.readByte()
	if err != nil {
		return err
	}
	size := uint64(header >> 4)
	if size == 15 {
		if size, err = s.readVarint(); err != nil {
			return err
		}
	}
	return s.skipElements(size, depth, header&0x0f)
}

func (s *thriftScanner) skipMap(depth int) error {
	size, err := s.readVarint()
	if err != nil || size == 0 {
		return err
	}
	kinds, err := s.readByte()
	if err != nil {
		return err
	}
	return s.skipElements(size, depth, kinds>>4, kinds&0x0f)
}

func (s *thriftScanner) skipElements(size uint64, depth int, kinds ...byte) error {
	if depth > maxThriftDepth {
		return fmt.Errorf("%w: nested too deeply", errThrift)
	}
	if size > uint64(len(s.data)-s.pos) { // an element takes at least one byte
		return fmt.Errorf("%w: a list of %d elements does not fit", errThrift, size)
	}
	if s.elements += int(size); s.elements > maxThriftElements {
		return fmt.Errorf("%w: more than %d list elements", errThrift, maxThriftElements)
	}
	for range size {
		for _, kind := range kinds {
			if err := s.skipValue(kind, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *thriftScanner) readByte() (byte, error) {
	if s.pos >= len(s.data) {
		return 0, fmt.Errorf("%w: it ends too early", errThrift)
	}
	s.pos++
	return s.data[s.pos-1], nil
}

func (s *thriftScanner) readVarint() (uint64, error) {
	v, n := binary.Uvarint(s.data[s.pos:])
	if n <= 0 {
		return 0, fmt.Errorf("%w: it ends within a number", errThrift)
	}
	s.pos += n
	return v, nil
}

func (s *thriftScanner) advance(n uint64) error {
	if n > uint64(len(s.data)-s.pos) {
		return fmt.Errorf("%w: a value of %d bytes does not fit", errThrift, n)
	}
	s.pos += int(n)
	return nil
}
