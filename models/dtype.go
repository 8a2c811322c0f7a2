package models

import (
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
)

// dtypes pairs safetensors' names with torch's, for what models and adapters
// hold.
var dtypes = map[checkpoint.DType]torch.DType{
	checkpoint.Float64:  torch.Float64,
	checkpoint.Float32:  torch.Float32,
	checkpoint.Float16:  torch.Float16,
	checkpoint.BFloat16: torch.BFloat16,
	checkpoint.Int64:    torch.Int64,
	checkpoint.Int32:    torch.Int32,
	checkpoint.Uint8:    torch.Uint8,
}

// TorchDType is the dtype in memory of a type in a file, if models and
// adapters hold such.
func TorchDType(file checkpoint.DType) (torch.DType, bool) {
	dtype, ok := dtypes[file]
	return dtype, ok
}

// FileDType undoes TorchDType.
func FileDType(memory torch.DType) (checkpoint.DType, bool) {
	for file, dtype := range dtypes {
		if dtype == memory {
			return file, true
		}
	}
	return "", false
}
