package models

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// CheckParameters reports the first parameter that a checkpoint cannot fill:
// keys gives the name of its tensor there. The error names the tensor.
func CheckParameters(c *checkpoint.Checkpoint, parameters []*nn.Parameter, keys map[string]string) error {
	for _, p := range parameters {
		if err := checkParameter(c, p, keys); err != nil {
			return err
		}
	}
	return nil
}

// ReadParameters fills parameters that CheckParameters has passed; another
// floating type is converted. The error names the file and the tensor.
func ReadParameters(c *checkpoint.Checkpoint, parameters []*nn.Parameter, keys map[string]string) error {
	for _, p := range parameters {
		if err := readParameter(c, keys[p.Name], p.Tensor); err != nil {
			return err
		}
	}
	return nil
}

func checkParameter(c *checkpoint.Checkpoint, p *nn.Parameter, keys map[string]string) error {
	info, ok := c.Info(keys[p.Name])
	if !ok {
		return fmt.Errorf("tensor %q is missing", p.Name)
	}
	if shape := p.Tensor.Shape(); !slices.Equal(info.Shape, shape) {
		return fmt.Errorf("tensor %q has shape %v, but config.json says %v", info.Name, info.Shape, shape)
	}
	if dtype, ok := TorchDType(info.DType); !ok || !dtype.IsFloatingPoint() {
		return fmt.Errorf("tensor %q is %s: want F32, F16, BF16 or F64", info.Name, info.DType)
	}
	return nil
}

// readParameter reads straight into the memory of t where dtype and device
// allow it.
func readParameter(c *checkpoint.Checkpoint, key string, t *torch.Tensor) error {
	info, _ := c.Info(key)
	dtype, _ := TorchDType(info.DType)
	if t.Device() == torch.CPU && t.DType() == dtype {
		return c.ReadInto(key, t.Bytes())
	}
	var err error
	failure := torch.Try(func() {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		stored := torch.Empty(s, dtype, info.Shape...)
		if err = c.ReadInto(key, stored.Bytes()); err == nil {
			t.CopyFrom(stored)
		}
	})
	if failure != nil {
		return fmt.Errorf("tensor %q: %w", key, failure)
	}
	return err
}

// WriteDirectory writes config.json and model.safetensors as the new directory
// dir, with copies of other files, whole or not at all; key names a parameter
// in the file.
func WriteDirectory(dir string, config []byte, parameters []*nn.Parameter, key func(name string) string, others ...string) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s already exists: choose another directory", dir)
	}
	return atomicfile.WriteDir(dir, func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o666); err != nil {
			return err
		}
		for _, path := range others {
			if err := atomicfile.Copy(path, filepath.Join(dir, filepath.Base(path))); err != nil {
				return err
			}
		}
		return writeParameters(filepath.Join(dir, "model.safetensors"), parameters, key)
	})
}

func writeParameters(path string, parameters []*nn.Parameter, key func(string) string) error {
	infos := make([]checkpoint.Info, len(parameters))
	tensors := map[string]*torch.Tensor{}
	for i, p := range parameters {
		dtype, ok := FileDType(p.Tensor.DType())
		if !ok {
			return fmt.Errorf("tensor %q: %v is not written to checkpoints", p.Name, p.Tensor.DType())
		}
		infos[i] = checkpoint.Info{Name: key(p.Name), DType: dtype, Shape: p.Tensor.Shape()}
		tensors[infos[i].Name] = p.Tensor
	}
	s := torch.NewScope(torch.NoGrad())
	defer func() { s.Close() }()
	data := func(name string) (bytes []byte, err error) {
		s.Close() // what the call before returned
		s = torch.NewScope(torch.NoGrad())
		err = torch.Try(func() { bytes = tensors[name].In(s).ToDevice(torch.CPU).Bytes() })
		return bytes, err
	}
	return checkpoint.WriteFrom(path, infos, data, map[string]string{"format": "pt"})
}
