package torch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

func TestErrorsAreTypedAndOneLine(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	sibling := torch.NewScope()
	defer sibling.Close()
	closed := torch.NewScope()
	freed := torch.Ones(closed, torch.Float32, 2)
	closed.Close()
	parameter := torch.Ones(nil, torch.Float32, 2, 3)
	defer parameter.Close()

	x := torch.Ones(s, torch.Float32, 2, 3)
	ids := ints(s, []int64{2}, 0, 9)
	for _, c := range []struct {
		name, op string
		want     error
		says     string
		f        func()
	}{
		{"shapes", "matmul", torch.ErrValue, "2x3", func() { x.MatMul(x) }},
		{"broadcast", "add", torch.ErrValue, "size", func() { x.Add(torch.Ones(s, torch.Float32, 4)) }},
		{"dtypes", "matmul", torch.ErrValue, "dtype", func() { x.MatMul(torch.Ones(s, torch.Float64, 3, 2)) }},
		{"reshape", "reshape", torch.ErrValue, "invalid", func() { x.Reshape(4, 2) }},
		{"item of many", "item", torch.ErrValue, "6 elements", func() { x.Item() }},
		{"length of a slice", "from_slice", torch.ErrValue, "3 elements for shape [2 2]", func() { torch.FromSlice(s, []float32{1, 2, 3}, 2, 2) }},
		{"copy", "copy_", torch.ErrValue, "[2, 3]", func() { x.CopyFrom(torch.Ones(s, torch.Float32, 3)) }},
		{"gradient of a vector", "backward", torch.ErrValue, "scalar", func() { x.In(s).MulScalar(1).Clone().SetRequiresGrad(true).MulScalar(2).Backward() }},
		{"nothing to differentiate", "backward", torch.ErrValue, "grad", func() { x.Sum().Backward() }},
		{"memory of a view", "data_ptr", torch.ErrValue, "contiguous", func() { x.Transpose(0, 1).Bytes() }},
		{"class beyond the logits", "cross_entropy_loss", torch.ErrIndex, "9", func() { torch.CrossEntropy(x, ids, nil, torch.ReduceMean) }},
		{"row beyond the table", "embedding", torch.ErrIndex, "range", func() { torch.Embedding(x, ids) }},
		{"select", "select", torch.ErrIndex, "range", func() { x.Select(0, 2) }},
		{"index_select", "index_select", torch.ErrIndex, "range", func() { x.IndexSelect(0, ids) }},
		{"dimension", "sum_dim", torch.ErrIndex, "range", func() { x.SumDim(false, 5) }},
		{"dim", "dim", torch.ErrIndex, "shape [2 3]", func() { x.Dim(2) }},
		{"more memory than there is", "", torch.ErrOutOfMemory, "memory", func() { torch.Empty(s, torch.Float32, 1<<50) }},
		{"probability", "dropout", torch.ErrValue, "probability", func() { x.Dropout(2) }},
		{"freed operand", "relu", torch.ErrScope, "freed", func() { freed.ReLU() }},
		{"freed second operand", "add", torch.ErrScope, "freed", func() { torch.Ones(s, torch.Float32, 2).Add(freed) }},
		{"sibling scopes", "add", torch.ErrScope, "scopes", func() { x.Add(torch.Ones(sibling, torch.Float32, 2, 3)) }},
		{"no scope", "relu", torch.ErrScope, "Tensor.In", func() { parameter.ReLU() }},
		{"closed scope", "", torch.ErrScope, "closed", func() { torch.Ones(closed, torch.Float32, 2) }},
		{"scope in a closed one", "scope", torch.ErrScope, "closed", func() { closed.NewScope() }},
		{"lent a closed scope", "in", torch.ErrScope, "closed", func() { parameter.In(closed) }},
		{"kept from another scope", "keep", torch.ErrScope, "belong", func() { sibling.Keep(x) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.op == "cross_entropy_loss" && torchtest.GPUKernels {
				t.Skip("a kernel for a GPU cannot fail: the loss is NaN")
			}
			err := torch.Try(c.f)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want the kind of %v", err, c.want)
			}
			var typed *torch.Error
			if !errors.As(err, &typed) || c.op != "" && typed.Op != c.op {
				t.Errorf("operation of %v, want %s", err, c.op)
			}
			for _, other := range []error{torch.ErrOutOfMemory, torch.ErrIndex, torch.ErrValue, torch.ErrNotImplemented, torch.ErrDevice, torch.ErrScope} {
				if other != c.want && errors.Is(err, other) {
					t.Errorf("%v is of two kinds", err)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\r") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want one line with %q: %q", c.says, err)
			}
		})
	}
}

func TestTryLetsOtherPanicsGoOn(t *testing.T) {
	defer func() {
		if r := recover(); r != "else" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = torch.Try(func() { panic("else") })
	t.Error("Try swallowed a panic that is not an *Error")
}

func TestTryWithoutPanic(t *testing.T) {
	if err := torch.Try(func() {}); err != nil {
		t.Errorf("error %v of nothing", err)
	}
}

func TestParseDevice(t *testing.T) {
	if d, err := torch.ParseDevice("cpu"); err != nil || d != torch.CPU || d.String() != "cpu" || d.IsCUDA() {
		t.Errorf("cpu: %v, %v", d, err)
	}
	for _, name := range []string{"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "CPU"} {
		if d, err := torch.ParseDevice(name); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%q: device %v, error %v, want one that says what to write", name, d, err)
		}
	}
	count, err := torch.CUDADeviceCount()
	auto, autoErr := torch.ParseDevice("auto")
	if autoErr != nil || auto.IsCUDA() != (err == nil) {
		t.Errorf("auto: %v, %v with %d CUDA devices", auto, autoErr, count)
	}
	_, cuda := torch.ParseDevice("cuda")
	if err != nil {
		if !errors.Is(cuda, torch.ErrDevice) {
			t.Errorf("cuda where there is none: %v, want an ErrDevice", cuda)
		}
		if said := cuda.Error(); strings.Contains(said, "\n") || !strings.Contains(said, "driver") && !strings.Contains(said, "libraries") && !strings.Contains(said, "device") {
			t.Errorf("want one line that says what is missing: %q", said)
		}
	} else if cuda != nil {
		t.Errorf("cuda with %d devices: %v", count, cuda)
	}
	if _, err := torch.ParseDevice("cuda:999"); err == nil {
		t.Error("cuda:999 is there")
	}
}

func TestDTypeNames(t *testing.T) {
	for _, d := range []torch.DType{torch.Uint8, torch.Int32, torch.Int64, torch.Float16, torch.Float32, torch.Float64, torch.Bool, torch.BFloat16} {
		if back, err := torch.ParseDType(d.String()); err != nil || back != d {
			t.Errorf("%v: back %v, %v", d, back, err)
		}
		s := torch.NewScope()
		if got := len(torch.Zeros(s, d, 3).Bytes()); got != 3*d.Size() {
			t.Errorf("%v: 3 elements take %d bytes, size is %d", d, got, d.Size())
		}
		s.Close()
	}
	if _, err := torch.ParseDType("float"); err == nil || !strings.Contains(err.Error(), "want float32") {
		t.Errorf("float: %v", err)
	}
}
