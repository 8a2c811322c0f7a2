package torch

import "fmt"

// DType is the type of a tensor's elements, numbered as c10::ScalarType.
type DType int32

// The element types gopet uses.
const (
	Uint8    DType = 0
	Int32    DType = 3
	Int64    DType = 4
	Float16  DType = 5
	Float32  DType = 6
	Float64  DType = 7
	Bool     DType = 11
	BFloat16 DType = 15
)

var dtypes = map[DType]struct {
	name string
	size int
}{
	Uint8: {"uint8", 1}, Int32: {"int32", 4}, Int64: {"int64", 8}, Bool: {"bool", 1},
	Float16: {"float16", 2}, BFloat16: {"bfloat16", 2}, Float32: {"float32", 4}, Float64: {"float64", 8},
}

// Size is the number of bytes of an element.
func (d DType) Size() int { return dtypes[d].size }

// IsFloatingPoint reports whether elements are floats.
func (d DType) IsFloatingPoint() bool {
	return d == Float16 || d == Float32 || d == Float64 || d == BFloat16
}

// String is PyTorch's name of the type, without "torch.".
func (d DType) String() string {
	if known, ok := dtypes[d]; ok {
		return known.name
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// ParseDType returns the type with PyTorch's name, such as "float32".
func ParseDType(name string) (DType, error) {
	for dtype, known := range dtypes {
		if known.name == name {
			return dtype, nil
		}
	}
	return 0, fmt.Errorf("dtype %q: want float32, float64, bfloat16, float16, int64, int32, uint8 or bool", name)
}
