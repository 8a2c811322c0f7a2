package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// errCut is the end of the input within a pickle.
var errCut = errors.New("it ends too early: the file was cut short")

// Reader hands out the bytes of one pickle or of several in a row. It counts
// them, and makes no buffer before it knows that the input can fill it.
type Reader struct {
	buffered *bufio.Reader
	offset   int64
	end      int64
}

// NewReader reads the bytes of file from offset up to end, both within it.
func NewReader(file io.ReaderAt, offset, end int64) *Reader {
	return &Reader{bufio.NewReader(io.NewSectionReader(file, offset, end-offset)), offset, end}
}

// Offset is the place in the file of the next byte.
func (r *Reader) Offset() int64 { return r.offset }

// Byte returns the next byte.
func (r *Reader) Byte() (byte, error) {
	b, err := r.buffered.ReadByte()
	if err != nil {
		return 0, endOf(err)
	}
	r.offset++
	return b, nil
}

// bytes returns the next n bytes.
func (r *Reader) bytes(n uint64) ([]byte, error) {
	if n > uint64(r.end-r.offset) {
		return nil, errCut
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r.buffered, data); err != nil {
		return nil, endOf(err)
	}
	r.offset += int64(n)
	return data, nil
}

// uint returns the next n bytes, at most 8, as a little-endian number.
func (r *Reader) uint(n int) (uint64, error) {
	var value uint64
	for i := range n {
		b, err := r.Byte()
		if err != nil {
			return 0, err
		}
		value |= uint64(b) << (8 * i)
	}
	return value, nil
}

// line returns what comes before the next new line.
func (r *Reader) line() (string, error) {
	const longest = 255 // what it is for are names of modules and classes
	var text []byte
	for len(text) <= longest {
		b, err := r.Byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(text), nil
		}
		text = append(text, b)
	}
	return "", fmt.Errorf("a name of more than %d bytes", longest)
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}
