package checkpoint

import (
	"errors"
	"fmt"
	"maps"

	"github.com/gopet-ml/gopet/models/checkpoint/internal/pickle"
)

// storageTypes are torch's names of the types of storages and of elements.
var storageTypes = []struct {
	storage, element string
	dtype            DType
}{
	{"BoolStorage", "bool", Bool},
	{"ByteStorage", "uint8", Uint8},
	{"CharStorage", "int8", Int8},
	{"ShortStorage", "int16", Int16},
	{"HalfStorage", "float16", Float16},
	{"BFloat16Storage", "bfloat16", BFloat16},
	{"IntStorage", "int32", Int32},
	{"FloatStorage", "float32", Float32},
	{"DoubleStorage", "float64", Float64},
	{"LongStorage", "int64", Int64},
}

// named are the classes that a checkpoint names and does not call: the types
// of storages and of elements.
var named = map[pickle.Class]DType{
	// A storage without a type counts in bytes.
	"torch.UntypedStorage": Uint8, "torch.storage.UntypedStorage": Uint8,
	"torch._UntypedStorage": Uint8, "torch.storage._UntypedStorage": Uint8,
}

// classes are all that the pickle of a checkpoint may name.
var classes = map[string]pickle.Call{
	"torch.Size":                                 newSize,
	"torch._utils._rebuild_tensor":               rebuildTensor,
	"torch._utils._rebuild_tensor_v2":            rebuildTensorV2,
	"torch._utils._rebuild_tensor_v3":            rebuildTensorV3,
	"torch._utils._rebuild_parameter":            rebuildParameter,
	"torch._utils._rebuild_parameter_with_state": rebuildParameter,
}

func init() {
	for _, t := range storageTypes {
		for _, module := range []string{"torch.", "torch.cuda."} {
			named[pickle.Class(module+t.storage)] = t.dtype
		}
		named[pickle.Class("torch."+t.element)] = t.dtype
	}
	for class := range maps.Keys(named) {
		classes[string(class)] = nil
	}
}

var errArguments = errors.New("arguments other than torch.save writes")

func newSize(args pickle.Tuple) (any, error) {
	if len(args) != 1 {
		return nil, errArguments
	}
	size, ok := args[0].(pickle.Tuple)
	if !ok {
		return nil, errArguments
	}
	return size, nil
}

// rebuildTensor has the arguments storage, offset, size, strides.
func rebuildTensor(args pickle.Tuple) (any, error) {
	if len(args) != 4 {
		return nil, errArguments
	}
	return newStrided(args, "")
}

// rebuildTensorV2 has more: requires_grad, hooks, and from PyTorch 2 on
// perhaps metadata.
func rebuildTensorV2(args pickle.Tuple) (any, error) {
	if len(args) != 6 && len(args) != 7 {
		return nil, errArguments
	}
	if err := noMetadata(args[6:]); err != nil {
		return nil, err
	}
	return newStrided(args, "")
}

// rebuildTensorV3 has the type of elements before the metadata; its storage has
// none.
func rebuildTensorV3(args pickle.Tuple) (any, error) {
	if len(args) != 7 && len(args) != 8 {
		return nil, errArguments
	}
	if err := noMetadata(args[7:]); err != nil {
		return nil, err
	}
	class, _ := args[6].(pickle.Class)
	dtype, ok := named[class]
	if !ok {
		return nil, errArguments
	}
	return newStrided(args, dtype)
}

// noMetadata refuses what changes the values: bits that say they are to be
// negated or conjugated.
func noMetadata(metadata pickle.Tuple) error {
	if len(metadata) == 0 || metadata[0] == nil {
		return nil
	}
	if dict, ok := metadata[0].(*pickle.Dict); ok && len(dict.Pairs) == 0 {
		return nil
	}
	return errors.New("a tensor that is to be negated or conjugated: save a copy of it")
}

// rebuildParameter has the arguments tensor, requires_grad, hooks, and perhaps
// the attributes that Python code set, which are no part of the weights.
func rebuildParameter(args pickle.Tuple) (any, error) {
	if len(args) != 3 && len(args) != 4 {
		return nil, errArguments
	}
	tensor, ok := args[0].(*strided)
	if !ok {
		return nil, errArguments
	}
	return tensor, nil
}

// newStrided makes a tensor of the first four arguments. Its elements have the
// storage's type unless another is given. Whether it fits is checked when it is
// given a name: tensors that nobody names are nobody's.
func newStrided(args pickle.Tuple, dtype DType) (any, error) {
	part, ok := args[0].(storagePart)
	if !ok {
		return nil, errArguments
	}
	if dtype == "" {
		dtype = part.storage.dtype
	}
	t := &strided{storage: part.storage, end: part.end, dtype: dtype}
	offset, err := count(args[1])
	if err != nil {
		return nil, fmt.Errorf("offset: %w", err)
	}
	if offset > (part.end-part.begin)/int64(dtype.Size()) {
		return nil, fmt.Errorf("offset %d is beyond its storage", offset)
	}
	t.begin = part.begin + offset*int64(dtype.Size())
	if t.shape, err = counts(args[2]); err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	if t.strides, err = counts(args[3]); err != nil {
		return nil, fmt.Errorf("strides: %w", err)
	}
	if len(t.shape) != len(t.strides) {
		return nil, fmt.Errorf("shape %v and strides %v differ in length", t.shape, t.strides)
	}
	return t, nil
}

// maxRank bounds the dimensions of a tensor, whose tuple may be another's too.
const maxRank = 32

// counts turns a tuple into whole numbers from 0 up.
func counts(value any) ([]int64, error) {
	tuple, ok := value.(pickle.Tuple)
	if !ok {
		return nil, fmt.Errorf("%s, not a tuple", pickle.Kind(value))
	}
	if len(tuple) > maxRank {
		return nil, fmt.Errorf("%d dimensions: want at most %d", len(tuple), maxRank)
	}
	list := make([]int64, len(tuple))
	for i := range tuple {
		var err error
		if list[i], err = count(tuple[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func count(value any) (int64, error) {
	n, ok := value.(int64)
	if !ok {
		return 0, fmt.Errorf("%s, not an int of 64 bits", pickle.Kind(value))
	}
	if n < 0 {
		return 0, fmt.Errorf("%d is below 0", n)
	}
	return n, nil
}
