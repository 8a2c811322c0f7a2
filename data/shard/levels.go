package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errShort = errors.New("it holds fewer values than its header claims")

// decodeHybrid fills out with the values of the hybrid of run-length and
// bit-packed encoding, each width bits wide. What the last run holds beyond
// them is padding.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
func decodeHybrid(data []byte, width int, out []uint32) error {
	if width < 0 || width > 32 {
		return fmt.Errorf("values of %d bits", width)
	}
	for len(out) > 0 {
		header, n := binary.Uvarint(data)
		if n <= 0 {
			return errShort
		}
		data = data[n:]
		count := header >> 1
		var used, filled int
		if header&1 == 1 {
			used, filled = unpackBits(data, width, count, out)
		} else {
			used, filled = repeat(data, width, count, out)
		}
		if used < 0 || filled == 0 && count > 0 {
			return errShort
		}
		data, out = data[used:], out[filled:]
	}
	return nil
}

// repeat fills out with count copies of the value at the start of data and
// returns the bytes used (-1 if there are too few) and the values filled in.
func repeat(data []byte, width int, count uint64, out []uint32) (used, filled int) {
	used = (width + 7) / 8
	if used > len(data) {
		return -1, 0
	}
	var word [4]byte
	copy(word[:], data[:used])
	value := binary.LittleEndian.Uint32(word[:])
	filled = int(min(count, uint64(len(out))))
	for i := range out[:filled] {
		out[i] = value
	}
	return used, filled
}

// unpackBits fills out from groups of eight values packed least significant
// bit first, and returns what repeat does.
func unpackBits(data []byte, width int, groups uint64, out []uint32) (used, filled int) {
	if width > 0 && groups > uint64(len(data)/width) {
		// Writers may cut the padding of the last group short.
		groups = uint64((len(data) + width - 1) / width)
	}
	filled = int(min(8*groups, uint64(len(out))))
	used = min(len(data), int(groups)*width)
	if filled*width > 8*used {
		return -1, 0
	}
	var buffer uint64
	bits, at := 0, 0
	mask := uint64(1)<<width - 1
	for i := range out[:filled] {
		for bits < width {
			buffer |= uint64(data[at]) << bits
			at++
			bits += 8
		}
		out[i] = uint32(buffer & mask)
		buffer >>= width
		bits -= width
	}
	return used, filled
}
