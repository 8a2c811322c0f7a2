package shard

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	magic         = "PAR1"
	trailerSize   = 8       // the footer's length and the magic
	maxFooterSize = 1 << 26 // bytes
	maxGroupRows  = 1 << 26 // rows of one row group, values of one page
)

// readFooter returns the raw footer of a Parquet file of size bytes and what
// it says.
func readFooter(r io.ReaderAt, size int64) ([]byte, *format.FileMetaData, error) {
	if size < int64(len(magic))+trailerSize {
		return nil, nil, fmt.Errorf("%d bytes are too few for a Parquet file: it is cut short or of another format", size)
	}
	var head [len(magic)]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, nil, err
	}
	if string(head[:]) != magic {
		return nil, nil, fmt.Errorf("not a Parquet file: it begins with %q instead of %q", head, magic)
	}
	var trailer [trailerSize]byte
	if _, err := r.ReadAt(trailer[:], size-trailerSize); err != nil {
		return nil, nil, err
	}
	if string(trailer[4:]) != magic {
		return nil, nil, fmt.Errorf("it does not end in %q: the file is cut short or damaged", magic)
	}
	length := int64(binary.LittleEndian.Uint32(trailer[:]))
	if length > size-trailerSize-int64(len(magic)) || length > maxFooterSize {
		return nil, nil, fmt.Errorf("its footer claims %d of the file's %d bytes: the file is damaged", length, size)
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, size-trailerSize-length); err != nil {
		return nil, nil, err
	}
	meta := new(format.FileMetaData)
	n, err := decodeThrift(raw, meta)
	if err != nil {
		return nil, nil, fmt.Errorf("footer: %w", err)
	}
	if n != len(raw) {
		return nil, nil, fmt.Errorf("footer: %w: %d bytes are left over", errThrift, len(raw)-n)
	}
	return raw, meta, nil
}

// decodeThrift decodes the compact-protocol struct at the start of data into
// v and returns its length in bytes.
func decodeThrift(data []byte, v any) (int, error) {
	n, err := structLength(data)
	if err != nil {
		return 0, err
	}
	var protocol thrift.CompactProtocol
	if err := thrift.NewDecoder(protocol.NewReaderFromBytes(data[:n])).Decode(v); err != nil {
		return 0, fmt.Errorf("%w: %w", errThrift, err)
	}
	return n, nil
}
