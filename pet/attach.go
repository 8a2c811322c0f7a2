package pet

import (
	"strings"

	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Attached is a method at work on a model, together with the model's head.
type Attached struct {
	Method Method
	Tuning
	Head  []*nn.Parameter // the trained head; empty where it is frozen
	head  []*nn.Parameter // the model's head, trained or not: adapters keep it
	dtype torch.DType     // of the base
	shape string          // of the base
}

// Attach freezes the model, attaches the method and frees the head unless it
// is to stay frozen.
func Attach(m Model, method Method, o Options, trainHead bool) (a *Attached, err error) {
	err = torchErr(func() (err error) {
		a, err = attach(m, method, trainHead, func() (Tuning, error) { return method.Attach(m, o) })
		return err
	})
	return a, err
}

func attach(m Model, method Method, trainHead bool, tune func() (Tuning, error)) (*Attached, error) {
	for _, p := range m.Registry().Parameters() {
		p.Tensor.SetRequiresGrad(false)
	}
	tuning, err := tune()
	if err != nil {
		return nil, err
	}
	a := &Attached{Method: method, Tuning: tuning, dtype: m.Registry().DType(), shape: shapeOf(m)}
	a.head = m.Head()
	if trainHead {
		a.Head = a.head
	}
	for _, p := range a.Head {
		p.Tensor.SetRequiresGrad(true)
	}
	return a, nil
}

// Params lists what the optimizer updates: the method's, then the head's.
func (a *Attached) Params() []optim.Param {
	return append(a.Tuning.Params(), (&Own{parameters: a.Head}).Params()...)
}

// HeadCount is the number of trained parameters of the head.
func (a *Attached) HeadCount() int64 {
	var n int64
	for _, p := range a.Head {
		n += p.NumEl()
	}
	return n
}

// Decays says whether weight decay applies to a parameter, as transformers'
// Trainer groups them: to all but biases and norms.
func Decays(name string) bool {
	lower := strings.ToLower(name)
	return !strings.Contains(lower, "bias") && !strings.Contains(lower, "norm")
}
