package pet

import (
	"fmt"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
)

// TensorFile is a safetensors file of tuned tensors, open for reading.
type TensorFile struct {
	path string
	file *checkpoint.File
}

// OpenTensors opens a safetensors file. The caller closes it.
func OpenTensors(path string) (*TensorFile, error) {
	file, err := checkpoint.OpenFile(path)
	if err != nil {
		return nil, err
	}
	return &TensorFile{path: path, file: file}, nil
}

// Close closes the file.
func (f *TensorFile) Close() error { return f.file.Close() }

// Names lists the tensors in the file.
func (f *TensorFile) Names() []string { return f.file.Names() }

// Read returns a tensor of the file as a tensor of s on the CPU.
func (f *TensorFile) Read(s *torch.Scope, name string) (*torch.Tensor, error) {
	info, ok := f.file.Info(name)
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q is missing", f.path, name)
	}
	dtype, ok := models.TorchDType(info.DType)
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q is %s, which adapters do not hold", f.path, name, info.DType)
	}
	t := torch.Empty(s, dtype, info.Shape...)
	return t, f.file.ReadInto(name, t.Bytes())
}

// WriteTensors makes or replaces a safetensors file, whole or not at all.
func WriteTensors(path string, tensors []NamedTensor) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	infos := make([]checkpoint.Info, len(tensors))
	byName := map[string]*torch.Tensor{}
	for i, t := range tensors {
		dtype, ok := models.FileDType(t.Tensor.DType())
		if !ok {
			return fmt.Errorf("%s: tensor %q: %v is not written to adapters", path, t.Name, t.Tensor.DType())
		}
		infos[i] = checkpoint.Info{Name: t.Name, DType: dtype, Shape: t.Tensor.Shape()}
		byName[t.Name] = t.Tensor
	}
	data := func(name string) (bytes []byte, err error) {
		err = torch.Try(func() { bytes = byName[name].In(s).ToDevice(torch.CPU).Contiguous().Bytes() })
		return bytes, err
	}
	return checkpoint.WriteFrom(path, infos, data, map[string]string{"format": "pt"})
}
