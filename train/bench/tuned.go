package bench

import (
	"time"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/optim"
)

// tuned is a whole training step of a method: forward, backward, optimizer.
type tuned struct {
	options   Options
	model     models.Model
	attached  *pet.Attached
	optimizer *optim.AdamW
}

func newTuned(o Options, name string) (contender, error) {
	method, err := pet.Lookup(name)
	if err != nil {
		return nil, err
	}
	m, err := loadModel(o)
	if err != nil {
		return nil, err
	}
	attached, err := pet.Attach(m, method, pet.Options{K: o.K, Targets: o.Targets, Seed: o.Seed}, true)
	if err != nil {
		m.Close()
		return nil, err
	}
	optimizer := optim.NewAdamW(attached.Params(), optim.DefaultConfig())
	return &tuned{options: o, model: m, attached: attached, optimizer: optimizer}, nil
}

// lr is small, so that the numbers stay ordinary however many steps are made.
const lr = 1e-6

func (t *tuned) step() (elapsed time.Duration, err error) {
	err = torch.Try(func() {
		s := torch.NewScope()
		defer s.Close()
		in, targets := batch(s, t.options, t.model)
		begin := time.Now()
		t.optimizer.ZeroGrad()
		loss := torch.CrossEntropy(models.Logits(t.model, in), targets, nil, torch.ReduceMean)
		loss.Backward()
		t.optimizer.Step(lr)
		loss.Item()
		elapsed = time.Since(begin)
	})
	return elapsed, err
}

func (t *tuned) close() {
	t.optimizer.Close()
	t.attached.Detach()
	t.model.Close()
}
