package events

import (
	"encoding/binary"
	"math"
)

// event is what this package uses of TensorFlow's Event message
// (tensorflow/core/util/event.proto): a file's first event has fileVersion, one
// at a restart has restart, every other one scalars.
type event struct {
	wallTime    float64 // Unix time in seconds
	step        int64
	fileVersion string
	restart     bool
	scalars     []Scalar
}

// Field numbers of the messages.
const (
	eventWallTime    = 1 // double
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog

	summaryValue = 1 // repeated Value

	valueTag         = 1 // string
	valueSimpleValue = 2 // float

	sessionLogStatus = 1 // SessionStatus
	sessionStart     = 1
)

// Wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func (e event) encode() []byte {
	b := appendKey(nil, eventWallTime, wireFixed64)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(e.wallTime))
	b = appendVarint(b, eventStep, uint64(e.step))
	if e.fileVersion != "" {
		b = appendBytes(b, eventFileVersion, []byte(e.fileVersion))
	}
	if e.restart {
		b = appendBytes(b, eventSessionLog, appendVarint(nil, sessionLogStatus, sessionStart))
	}
	if len(e.scalars) > 0 {
		b = appendBytes(b, eventSummary, encodeSummary(e.scalars))
	}
	return b
}

func encodeSummary(scalars []Scalar) []byte {
	var summary []byte
	for _, s := range scalars {
		value := appendBytes(nil, valueTag, []byte(s.Tag))
		value = appendKey(value, valueSimpleValue, wireFixed32)
		value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(s.Value)))
		summary = appendBytes(summary, summaryValue, value)
	}
	return summary
}

func appendKey(b []byte, field, wire uint64) []byte {
	return binary.AppendUvarint(b, field<<3|wire)
}

func appendVarint(b []byte, field, value uint64) []byte {
	return binary.AppendUvarint(appendKey(b, field, wireVarint), value)
}

func appendBytes(b []byte, field uint64, data []byte) []byte {
	b = binary.AppendUvarint(appendKey(b, field, wireBytes), uint64(len(data)))
	return append(b, data...)
}
