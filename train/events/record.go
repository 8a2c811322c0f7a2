package events

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame makes a record of data, as TensorFlow's record_writer.h has it: the
// length in 8 bytes, its checksum, the data, their checksum.
func frame(data []byte) []byte {
	record := make([]byte, 0, 8+4+len(data)+4)
	record = binary.LittleEndian.AppendUint64(record, uint64(len(data)))
	record = binary.LittleEndian.AppendUint32(record, maskedCRC(record))
	record = append(record, data...)
	return binary.LittleEndian.AppendUint32(record, maskedCRC(data))
}

// maskedCRC is the CRC-32C of data, changed so that data which holds its own
// checksum does not weaken it.
func maskedCRC(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}
