package convert

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

// targets are the types that tensors are converted to.
var targets = []checkpoint.DType{checkpoint.Float32, checkpoint.Float16, checkpoint.BFloat16}

func floating(dtype checkpoint.DType) bool {
	switch dtype {
	case checkpoint.Float64, checkpoint.Float32, checkpoint.Float16, checkpoint.BFloat16:
		return true
	}
	return false
}

// convertValues fills dst with the values of src in another type, each rounded
// to the nearest, ties to even, by way of float32 as torch does.
func convertValues(dst []byte, to checkpoint.DType, src []byte, from checkpoint.DType) error {
	var floats [4096]float32
	fromSize, toSize := from.Size(), to.Size()
	for len(src) > 0 {
		n := min(len(floats), len(src)/fromSize)
		infinite := decode(floats[:n], src[:n*fromSize], from)
		if encode(dst[:n*toSize], floats[:n], to) != infinite {
			return fmt.Errorf("it holds values beyond %s: convert to another type", to)
		}
		src, dst = src[n*fromSize:], dst[n*toSize:]
	}
	return nil
}

// decode returns how many values of src are infinite; those of float64 beyond
// float32 become so, and are not counted.
func decode(dst []float32, src []byte, from checkpoint.DType) (infinite int) {
	order := binary.LittleEndian
	switch from {
	case checkpoint.Float64:
		for i := range dst {
			value := math.Float64frombits(order.Uint64(src[8*i:]))
			dst[i] = float32(value)
			if math.IsInf(value, 0) {
				infinite++
			}
		}
		return infinite
	case checkpoint.Float32:
		for i := range dst {
			dst[i] = math.Float32frombits(order.Uint32(src[4*i:]))
		}
	case checkpoint.Float16:
		for i := range dst {
			dst[i] = fromFloat16(order.Uint16(src[2*i:]))
		}
	case checkpoint.BFloat16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(order.Uint16(src[2*i:])) << 16)
		}
	}
	for _, value := range dst {
		if math.IsInf(float64(value), 0) {
			infinite++
		}
	}
	return infinite
}

// encode returns how many values are infinite as written.
func encode(dst []byte, src []float32, to checkpoint.DType) (infinite int) {
	order := binary.LittleEndian
	switch to {
	case checkpoint.Float32:
		for i, value := range src {
			bits := math.Float32bits(value)
			order.PutUint32(dst[4*i:], bits)
			if bits&^signBit == infinity32 {
				infinite++
			}
		}
	case checkpoint.Float16:
		for i, value := range src {
			half := toFloat16(value)
			order.PutUint16(dst[2*i:], half)
			if half&0x7fff == infinity16 {
				infinite++
			}
		}
	case checkpoint.BFloat16:
		for i, value := range src {
			half := toBFloat16(value)
			order.PutUint16(dst[2*i:], half)
			if half&0x7fff == infinity32>>16 {
				infinite++
			}
		}
	}
	return infinite
}

const (
	signBit    = 1 << 31
	infinity32 = 0x7f800000
	infinity16 = 0x7c00
)

func toBFloat16(value float32) uint16 {
	bits := math.Float32bits(value)
	if bits&^signBit > infinity32 { // rounding could make a NaN infinite
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func toFloat16(value float32) uint16 {
	const (
		overflow = 0x477ff000 // 65520, halfway between the largest and the next
		normal   = 0x38800000 // 2^-14, the smallest with all bits
	)
	bits := math.Float32bits(value)
	sign, rest := uint16(bits>>16)&0x8000, bits&^signBit
	switch {
	case rest > infinity32:
		return sign | 0x7e00
	case rest >= overflow:
		return sign | infinity16
	case rest < normal:
		// Adding 0.5 leaves the ulp of float16's smallest numbers, rounded.
		return sign | uint16(math.Float32bits(math.Float32frombits(rest)+0.5)-math.Float32bits(0.5))
	}
	rest += 0xfff + rest>>13&1
	return sign | uint16((rest-(127-15)<<23)>>13)
}

func fromFloat16(half uint16) float32 {
	sign, exponent, mantissa := uint32(half&0x8000)<<16, uint32(half>>10&0x1f), uint32(half&0x3ff)
	switch exponent {
	case 0: // mantissa * 2^-24, exact in float32
		value := float32(mantissa) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(value))
	case 0x1f:
		return math.Float32frombits(sign | infinity32 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}
