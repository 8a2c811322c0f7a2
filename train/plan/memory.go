package plan

import (
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
)

const (
	float = int64(4) // bytes of a tuned value, of its gradient and of each moment
	index = int64(8) // bytes of a position
)

func memory(m models.Model, method string, t train.Trainable) Memory {
	var mem Memory
	for _, p := range m.Registry().Parameters() {
		mem.Weights += p.NumEl() * int64(p.Tensor.DType().Size())
	}
	tuned, element := t.Method+t.Head, int64(m.Registry().DType().Size())
	mem.Optimizer = 2 * float * tuned
	mem.Gradients = float * t.Method
	switch {
	case method == "apet-discrete" || method == "apet-adjacent": // values and base values at positions
		mem.Tuned = (index + float + element) * t.Method
	case method == "full":
		mem.Gradients = element * t.Method
		if m.Registry().DType() != torch.Float32 {
			mem.Optimizer += float * t.Method // master copies
		}
	default: // parameters beside the model's
		mem.Tuned = float * t.Method
	}
	mem.Gradients += element * t.Head
	mem.Total = mem.Weights + mem.Tuned + mem.Gradients + mem.Optimizer
	return mem
}
