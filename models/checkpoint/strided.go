package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// storage is a run of bytes in a file that tensors lie in.
type storage struct {
	dtype DType // that it was saved as
	count int64 // of elements
	start int64 // in the file, in bytes
}

func (s *storage) numBytes() int64 { return s.count * int64(s.dtype.Size()) }

// strided is a tensor as torch describes it: of a storage the elements at
// begin + index[0]*strides[0] + index[1]*strides[1] and so on.
type strided struct {
	storage *storage
	begin   int64 // of its first element in the storage, in bytes
	end     int64 // of the part of the storage that it may lie in, in bytes
	dtype   DType
	shape   []int64
	strides []int64 // in elements
}

// check compares all that a file says of the tensor with what it holds.
func (t *strided) check(fileSize int64) error {
	size, err := Info{DType: t.dtype, Shape: t.shape}.numBytes()
	if err != nil {
		return err
	}
	if size > fileSize {
		return fmt.Errorf("shape %v of %s needs %d bytes, more than the %d of the file", t.shape, t.dtype, size, fileSize)
	}
	if size > 0 && !t.fits() {
		return fmt.Errorf("shape %v with strides %v of %s reaches beyond its storage", t.shape, t.strides, t.dtype)
	}
	return nil
}

// fits reports whether the last element, too, lies in the storage.
func (t *strided) fits() bool {
	room := (t.end - t.begin) / int64(t.dtype.Size()) // elements from the first on
	if room < 1 {
		return false
	}
	for i, dim := range t.shape {
		if steps, stride := dim-1, t.strides[i]; steps > 0 && stride > 0 {
			if steps > (room-1)/stride {
				return false
			}
			room -= steps * stride
		}
	}
	return true
}

// contiguous reports whether the elements lie in row-major order without gaps.
func (t *strided) contiguous() bool {
	stride := int64(1)
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.strides[i] != stride {
			return false
		}
		stride *= t.shape[i]
	}
	return true
}

// identity is the same for two tensors that are the same elements of the same
// storage; a tensor without elements has none.
func (t *strided) identity() (string, bool) {
	strides := slices.Clone(t.strides)
	for i, dim := range t.shape {
		if dim == 0 {
			return "", false
		}
		if dim == 1 {
			strides[i] = 0 // never used
		}
	}
	return fmt.Sprint(t.storage.start, t.begin, t.dtype, t.shape, strides), true
}

// readInto reads the elements in row-major order. A checked tensor without
// elements may lie anywhere, and nothing is read of it.
func (t *strided) readInto(dst []byte, file io.ReaderAt) error {
	if len(dst) == 0 {
		return nil
	}
	if t.contiguous() {
		return readAt(file, dst, t.storage.start+t.begin)
	}
	g := t.gatherer(dst, file)
	return g.walk(g.axes, t.storage.start+t.begin, 0)
}

// gatherer copies elements out of a file into another order.
type gatherer struct {
	dst  []byte
	file io.ReaderAt
	axes []axis
	unit int64 // bytes that lie side by side on both sides

	window   []byte // bytes of the file, of use to elements that lie near each other
	windowAt int64
	limit    int64 // where the part of the file ends that may be read
}

// axis is a dimension of the tensor: how often to step, and how many bytes far.
type axis struct{ count, from, to int64 }

// windowSize suits a read from the page cache: much longer ones cost as much a
// byte, and more where elements lie so far apart that each needs its own.
const windowSize = 64 << 10

func (t *strided) gatherer(dst []byte, file io.ReaderAt) *gatherer {
	size := int64(t.dtype.Size())
	g := &gatherer{dst: dst, file: file, unit: size, limit: t.storage.start + t.end}
	to := size
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] > 1 {
			g.axes = append(g.axes, axis{t.shape[i], t.strides[i] * size, to})
		}
		to *= t.shape[i]
	}
	// The order of the file, so that it is read from one end to the other.
	slices.SortStableFunc(g.axes, func(a, b axis) int { return cmp.Compare(b.from, a.from) })
	for n := len(g.axes); n > 0 && g.axes[n-1].from == g.unit && g.axes[n-1].to == g.unit; n-- {
		g.unit *= g.axes[n-1].count
		g.axes = g.axes[:n-1]
	}
	return g
}

func (g *gatherer) walk(axes []axis, from, to int64) error {
	if len(axes) == 0 {
		return g.copy(from, to)
	}
	for range axes[0].count {
		if err := g.walk(axes[1:], from, to); err != nil {
			return err
		}
		from += axes[0].from
		to += axes[0].to
	}
	return nil
}

// copy brings one unit from the file to its place.
func (g *gatherer) copy(from, to int64) error {
	dst := g.dst[to : to+g.unit]
	if g.unit >= windowSize {
		return readAt(g.file, dst, from)
	}
	if from < g.windowAt || from+g.unit > g.windowAt+int64(len(g.window)) {
		if err := g.move(from); err != nil {
			return err
		}
	}
	copy(dst, g.window[from-g.windowAt:])
	return nil
}

// move fills the window from there on.
func (g *gatherer) move(from int64) error {
	if g.window == nil {
		g.window = make([]byte, windowSize)
	}
	g.window = g.window[:min(windowSize, g.limit-from)]
	n, err := g.file.ReadAt(g.window, from)
	g.window, g.windowAt = g.window[:n], from
	if errors.Is(err, io.EOF) && int64(n) >= g.unit {
		return nil
	}
	return err
}
