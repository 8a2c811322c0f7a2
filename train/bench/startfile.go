package bench

import (
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
	"github.com/gopet-ml/gopet/train"
)

// positions is the end of the name of a mask's flat positions.
const positions = ".positions"

// writeStart writes what training starts from beside the checkpoint, for the
// other side to start there too: the head, added parameters, and of masks the
// positions. Without a path it writes nothing.
func writeStart(path string, l *train.Learner) error {
	if path == "" {
		return nil
	}
	var list []checkpoint.Tensor
	err := torch.Try(func() {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		for _, p := range l.Model.Head() {
			list = append(list, stored(s, p.Name, p.Tensor, checkpoint.Float32))
		}
		for _, p := range l.Params() {
			if p.Index != nil {
				list = append(list, stored(s, p.Name+positions, p.Index, checkpoint.Int64))
			} else if !inCheckpoint(l.Model, p) {
				list = append(list, stored(s, p.Name, p.Leaf, checkpoint.Float32))
			}
		}
	})
	if err != nil {
		return err
	}
	return checkpoint.Write(path, list, nil)
}

// inCheckpoint says whether a parameter is one of the model's own, head included.
func inCheckpoint(m models.Model, p optim.Param) bool {
	_, own := m.Registry().Lookup(p.Name)
	return own
}

func stored(s *torch.Scope, name string, t *torch.Tensor, dtype checkpoint.DType) checkpoint.Tensor {
	t = t.In(s)
	if dtype == checkpoint.Float32 {
		t = t.ToDType(torch.Float32)
	}
	return checkpoint.Tensor{Name: name, DType: dtype, Shape: t.Shape(), Data: append([]byte(nil), t.Contiguous().Bytes()...)}
}
