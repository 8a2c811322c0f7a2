package peft

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// tensors are those of one file, by name. They serve as pet.Tensors.
type tensors map[string]checkpoint.Tensor

// Names lists them, sorted.
func (t tensors) Names() []string { return slices.Sorted(maps.Keys(t)) }

// Read returns one as a tensor of s on the CPU.
func (t tensors) Read(s *torch.Scope, name string) (*torch.Tensor, error) {
	stored, ok := t[name]
	if !ok {
		return nil, fmt.Errorf("tensor %q is missing", name)
	}
	dtype, _ := models.TorchDType(stored.DType)
	result := torch.Empty(s, dtype, stored.Shape...)
	copy(result.Bytes(), stored.Data)
	return result, nil
}

// add enters a tensor under its name.
func (t tensors) add(list ...checkpoint.Tensor) {
	for _, tensor := range list {
		t[tensor.Name] = tensor
	}
}

// write makes a safetensors file of them.
func (t tensors) write(path string, metadata map[string]string) error {
	return checkpoint.Write(path, slices.Collect(maps.Values(t)), metadata)
}

// store reads every tensor that a tuning saves.
func store(list []pet.NamedTensor) (t tensors, err error) {
	t = tensors{}
	err = torch.Try(func() {
		for _, named := range list {
			tensor := named.Tensor.ToDevice(torch.CPU).Contiguous()
			dtype := checkpoint.Float32
			if tensor.DType() == torch.Uint8 {
				dtype = checkpoint.Uint8
			} else {
				tensor = tensor.ToDType(torch.Float32)
			}
			t.add(checkpoint.Tensor{Name: named.Name, DType: dtype, Shape: tensor.Shape(), Data: slices.Clone(tensor.Bytes())})
		}
	})
	return t, err
}

// float32s are the values of a float32 tensor.
func float32s(t checkpoint.Tensor) []float32 {
	values := make([]float32, len(t.Data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return values
}

func floatTensor(name string, values []float32, shape ...int64) checkpoint.Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return checkpoint.Tensor{Name: name, DType: checkpoint.Float32, Shape: shape, Data: data}
}

// renamed is a tensor under another name.
func renamed(t checkpoint.Tensor, name string) checkpoint.Tensor {
	t.Name = name
	return t
}
