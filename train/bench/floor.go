package bench

import (
	"time"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// floor is forward, loss and activation gradient, nothing tuned.
type floor struct {
	options Options
	model   models.Model
}

func newFloor(o Options) (contender, error) {
	m, err := loadModel(o)
	if err != nil {
		return nil, err
	}
	return &floor{options: o, model: m}, nil
}

func (f *floor) step() (elapsed time.Duration, err error) {
	err = torch.Try(func() {
		s := torch.NewScope()
		defer s.Close()
		in, targets := batch(s, f.options, f.model)
		begin := time.Now()
		embedded := f.model.Embed(in).Detach().SetRequiresGrad(true)
		logits := f.model.(models.Classifier).Classify(f.model.Encode(embedded, in), in)
		loss := torch.CrossEntropy(logits, targets, nil, torch.ReduceMean)
		loss.Backward()
		loss.Item()
		elapsed = time.Since(begin)
	})
	return elapsed, err
}

func (f *floor) close() { f.model.Close() }
