package shard

import (
	"encoding/binary"
	"errors"
)

var errDelta = errors.New("malformed delta encoding")

// decodeDelta decodes n integers of DELTA_BINARY_PACKED and returns the bytes
// that follow them.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#DELTAENC
func decodeDelta(data []byte, n int) ([]int64, []byte, error) {
	d := deltaReader{data: data}
	blockSize, miniBlocks, total := d.uvarint(), d.uvarint(), d.uvarint()
	value := d.varint()
	if d.failed || miniBlocks == 0 || blockSize == 0 || blockSize > maxDeltaBlock ||
		blockSize%miniBlocks != 0 || blockSize/miniBlocks%8 != 0 || total != uint64(n) {
		return nil, nil, errDelta
	}
	out := make([]int64, 0, n)
	if n > 0 {
		out = append(out, value)
	}
	miniSize := int(blockSize / miniBlocks)
	packed := make([]uint64, miniSize)
	for len(out) < n {
		smallest := d.varint()
		widths := d.take(int(miniBlocks))
		for _, width := range widths {
			if len(out) == n {
				break
			}
			if d.failed || !unpackWide(d.take(miniSize/8*int(width)), int(width), packed) {
				return nil, nil, errDelta
			}
			for _, step := range packed[:min(miniSize, n-len(out))] {
				value += smallest + int64(step)
				out = append(out, value)
			}
		}
		if d.failed {
			return nil, nil, errDelta
		}
	}
	return out, d.data, nil
}

const maxDeltaBlock = 1 << 16

type deltaReader struct {
	data   []byte
	failed bool
}

func (d *deltaReader) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	d.take(n)
	return v
}

func (d *deltaReader) varint() int64 {
	v, n := binary.Varint(d.data)
	d.take(n)
	return v
}

// take returns the next n bytes; a number read with n <= 0 bytes was malformed.
func (d *deltaReader) take(n int) []byte {
	if n < 0 || n > len(d.data) || n == 0 && len(d.data) == 0 {
		d.failed = n != 0 || d.failed
		return nil
	}
	taken := d.data[:n]
	d.data = d.data[n:]
	return taken
}

// unpackWide fills out from values of up to 64 bits, least significant first.
func unpackWide(data []byte, width int, out []uint64) bool {
	if width > 64 || len(data) < width*len(out)/8 {
		return false
	}
	for i := range out {
		var v uint64
		for bit := range width {
			at := i*width + bit
			v |= uint64(data[at/8]>>(at%8)&1) << bit
		}
		out[i] = v
	}
	return true
}

// decodeDeltaLengths decodes n strings of DELTA_LENGTH_BYTE_ARRAY: all their
// lengths, then all their bytes.
func decodeDeltaLengths(data []byte, n int) ([]string, error) {
	lengths, rest, err := decodeDelta(data, n)
	if err != nil {
		return nil, err
	}
	text := string(rest)
	out := make([]string, n)
	for i, length := range lengths {
		if length < 0 || length > int64(len(text)) {
			return nil, errDelta
		}
		out[i], text = text[:length], text[length:]
	}
	return out, nil
}

// decodeDeltaStrings decodes n strings of DELTA_BYTE_ARRAY: how much each
// shares with the one before it, then what follows that.
func decodeDeltaStrings(data []byte, n int) ([]string, error) {
	shared, rest, err := decodeDelta(data, n)
	if err != nil {
		return nil, err
	}
	out, err := decodeDeltaLengths(rest, n)
	if err != nil {
		return nil, err
	}
	previous, total := "", 0
	for i := range out {
		if shared[i] < 0 || shared[i] > int64(len(previous)) {
			return nil, errDelta
		}
		if total += int(shared[i]); total > maxDeltaText {
			return nil, errDelta
		}
		out[i] = previous[:shared[i]] + out[i]
		previous = out[i]
	}
	return out, nil
}

// maxDeltaText bounds the bytes that shared prefixes may add to a page.
const maxDeltaText = 1 << 28
