package train

import (
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// floored is a model whose embedding output asks for its gradient, and nothing
// below it does: with everything frozen, a loss of it is the floor of all
// methods.
func floored(m models.Model) models.Model {
	switch m := m.(type) {
	case models.TextToText:
		return flooredTextToText{m}
	case models.Classifier:
		return flooredClassifier{m}
	}
	return m
}

type flooredClassifier struct{ models.Classifier }

func (f flooredClassifier) Embed(in models.Input) *torch.Tensor {
	return asLeaf(f.Classifier.Embed(in))
}

type flooredTextToText struct{ models.TextToText }

func (f flooredTextToText) Embed(in models.Input) *torch.Tensor {
	return asLeaf(f.TextToText.Embed(in))
}

func asLeaf(t *torch.Tensor) *torch.Tensor { return t.Detach().SetRequiresGrad(true) }
