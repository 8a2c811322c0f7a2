package checkpoint

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGather reads tensors of random shapes and strides over a storage larger
// than a window and compares with the definition, element by element.
func TestGather(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const start, elements = 24, 3*windowSize + 1000
	data := make([]byte, start+elements*4)
	for i := range data {
		data[i] = byte(random.IntN(256))
	}
	shapes := [][]int64{{3, 4}, {200, 300}, {2, 3, 5, 7}, {1, 9}, {40000}, {7, 1, 600}, {2, windowSize}, {3, 2, 20000}, {}}
	read := 0
	for range 400 {
		dtype := []DType{Uint8, BFloat16, Float32}[random.IntN(3)]
		size := int64(dtype.Size())
		shape := shapes[random.IntN(len(shapes))]
		tensor := &strided{
			storage: &storage{dtype, elements, start}, dtype: dtype,
			begin: size * random.Int64N(100), end: elements * size, shape: shape, strides: randomStrides(random, shape),
		}
		if !tensor.fits() {
			continue
		}
		read++
		got := make([]byte, size*product(shape))
		if err := tensor.readInto(got, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		if want := byDefinition(tensor, data); !bytes.Equal(got, want) {
			t.Errorf("shape %v, strides %v of %s: the elements differ", shape, tensor.strides, dtype)
		}
	}
	if read < 100 {
		t.Errorf("only %d tensors fitted", read)
	}
}

// randomStrides permutes those of a contiguous tensor, with gaps now and then,
// or takes any.
func randomStrides(random *rand.Rand, shape []int64) []int64 {
	strides := make([]int64, len(shape))
	stride := 1 + random.Int64N(2)*random.Int64N(3)
	for _, i := range random.Perm(len(shape)) {
		strides[i] = stride
		stride = stride*shape[i] + random.Int64N(2)*random.Int64N(10)
		if random.IntN(8) == 0 {
			strides[i] = random.Int64N(4)
		}
	}
	return strides
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, dim := range shape {
		n *= dim
	}
	return n
}

func byDefinition(tensor *strided, data []byte) []byte {
	size := int64(tensor.dtype.Size())
	var out []byte
	index := make([]int64, len(tensor.shape))
	for range product(tensor.shape) {
		at := tensor.storage.start + tensor.begin
		for i := range index {
			at += index[i] * tensor.strides[i] * size
		}
		out = append(out, data[at:at+size]...)
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < tensor.shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return out
}

// TestGatherReadsInOrder counts what a transposed tensor reads: each byte once,
// from the first to the last.
func TestGatherReadsInOrder(t *testing.T) {
	const rows, columns = 512, 1024
	file := &recorder{data: make([]byte, rows*columns*4)}
	tensor := &strided{storage: &storage{Float32, rows * columns, 0}, dtype: Float32, end: rows * columns * 4,
		shape: []int64{columns, rows}, strides: []int64{1, columns}}
	if err := tensor.readInto(make([]byte, len(file.data)), file); err != nil {
		t.Fatal(err)
	}
	if file.read != int64(len(file.data)) || !slices.IsSorted(file.offsets) {
		t.Errorf("read %d bytes of %d, at %v", file.read, len(file.data), file.offsets)
	}
}

// recorder is a file that notes what is read of it.
type recorder struct {
	data    []byte
	offsets []int64
	read    int64
}

func (r *recorder) ReadAt(p []byte, offset int64) (int, error) {
	r.offsets = append(r.offsets, offset)
	n := copy(p, r.data[offset:])
	r.read += int64(n)
	if n < len(p) {
		return n, fmt.Errorf("read %d bytes beyond the end", len(p)-n)
	}
	return n, nil
}

// TestIdentity tells tensors apart by their elements alone.
func TestIdentity(t *testing.T) {
	over := &storage{Float32, 100, 0}
	base := strided{storage: over, dtype: Float32, end: 400, shape: []int64{2, 1, 3}, strides: []int64{3, 3, 1}}
	identity := func(change func(*strided)) string {
		tensor := base
		tensor.shape, tensor.strides = slices.Clone(base.shape), slices.Clone(base.strides)
		change(&tensor)
		id, ok := tensor.identity()
		if !ok {
			return "none"
		}
		return id
	}
	same := identity(func(*strided) {})
	if got := identity(func(s *strided) { s.strides[1] = 77 }); got != same {
		t.Errorf("the stride of a dimension of 1 makes %q of %q", got, same)
	}
	for name, change := range map[string]func(*strided){
		"offset":  func(s *strided) { s.begin = 4 },
		"shape":   func(s *strided) { s.shape[0] = 1 },
		"strides": func(s *strided) { s.strides[0] = 6 },
		"dtype":   func(s *strided) { s.dtype = Int32 },
		"storage": func(s *strided) { s.storage = &storage{Float32, 100, 400} },
		"empty":   func(s *strided) { s.shape[0] = 0 },
	} {
		if identity(change) == same {
			t.Errorf("another %s is the same tensor", name)
		}
	}
}
