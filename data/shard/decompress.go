package shard

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

var errLength = errors.New("it does not unpack to the size its header claims")

// decompress unpacks data, which must come to size bytes exactly. A codec of
// parquet-go would instead allocate what the packed data claims.
func decompress(codec format.CompressionCodec, data []byte, size int) ([]byte, error) {
	switch codec {
	case format.Uncompressed:
		return exactly(data, size)
	case format.Snappy:
		n, err := snappy.DecodedLen(data)
		if err != nil {
			return nil, err
		}
		if n != size || !snappyPlausible(n, len(data)) {
			return nil, errLength
		}
		return snappy.Decode(nil, data)
	case format.Gzip:
		return gunzip(data, size)
	case format.Zstd:
		return unzstd(data, size)
	default:
		return nil, fmt.Errorf("compression %s is not supported: rewrite the file with snappy, gzip or zstd", codec)
	}
}

// snappyPlausible reports whether packed bytes can unpack to n: the shortest
// copy element takes 2 bytes and yields at most 64.
func snappyPlausible(n, packed int) bool { return n <= 64*packed }

func gunzip(data []byte, size int) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	// The buffer grows with what is really there, not with what is claimed.
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(r, int64(size)+1)); err != nil {
		return nil, err
	}
	return exactly(out.Bytes(), size)
}

// zstdDecoder is built once: a decoder without a stream has no goroutines and
// serves any number of callers.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0))
})

func unzstd(data []byte, size int) ([]byte, error) {
	decoder, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	out, err := decoder.DecodeAll(data, make([]byte, 0, size))
	if err != nil {
		return nil, err
	}
	return exactly(out, size)
}

func exactly(data []byte, size int) ([]byte, error) {
	if len(data) != size {
		return nil, errLength
	}
	return data, nil
}
