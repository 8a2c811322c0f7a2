package checkpoint

import (
	"fmt"
	"math/bits"
	"slices"
)

// DType is the element type of a tensor, as the format spells it.
type DType string

// The element types that are read and written.
const (
	Bool     DType = "BOOL"
	Uint8    DType = "U8"
	Int8     DType = "I8"
	Int16    DType = "I16"
	Float16  DType = "F16"
	BFloat16 DType = "BF16"
	Int32    DType = "I32"
	Float32  DType = "F32"
	Float64  DType = "F64"
	Int64    DType = "I64"
)

// dtypes are in the order in which the reference writer ranks them.
var dtypes = []DType{Bool, Uint8, Int8, Int16, Float16, BFloat16, Int32, Float32, Float64, Int64}

var sizes = map[DType]int{
	Bool: 1, Uint8: 1, Int8: 1,
	Int16: 2, Float16: 2, BFloat16: 2,
	Int32: 4, Float32: 4,
	Float64: 8, Int64: 8,
}

// Size is the number of bytes of one element, 0 for an unknown type.
func (d DType) Size() int { return sizes[d] }

func (d DType) rank() int { return slices.Index(dtypes, d) }

func (d DType) check() error {
	if d.Size() == 0 {
		return fmt.Errorf("unknown dtype %q; known are %v", string(d), dtypes)
	}
	return nil
}

// Info describes one tensor without its data.
type Info struct {
	Name  string
	DType DType
	Shape []int64 // empty for a scalar; a dimension may be 0
}

// NumBytes is the size of the tensor's data.
func (i Info) NumBytes() int64 {
	n, _ := i.numBytes()
	return n
}

func (i Info) numBytes() (int64, error) {
	if err := i.DType.check(); err != nil {
		return 0, err
	}
	product := uint64(i.DType.Size())
	for _, dim := range i.Shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", i.Shape)
		}
		high, low := bits.Mul64(product, uint64(dim))
		if high != 0 || low > 1<<62 {
			return 0, fmt.Errorf("shape %v of %s needs more bytes than can be counted", i.Shape, i.DType)
		}
		product = low
	}
	return int64(product), nil
}
