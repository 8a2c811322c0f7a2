package bert

import (
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// embeddings is transformers' BertEmbeddings.
type embeddings struct {
	word, position, tokenType *nn.Embedding
	norm                      *nn.LayerNorm
	dropout                   nn.Dropout
	prompt                    *nn.SoftPrompt
}

func newEmbeddings(path nn.Path, c Config) *embeddings {
	e := &embeddings{
		word:      nn.NewEmbedding(path.Sub("word_embeddings"), c.VocabSize, c.HiddenSize),
		position:  nn.NewEmbedding(path.Sub("position_embeddings"), c.MaxPositionEmbeddings, c.HiddenSize),
		tokenType: nn.NewEmbedding(path.Sub("token_type_embeddings"), c.TypeVocabSize, c.HiddenSize),
		norm:      nn.NewLayerNorm(path.Sub("LayerNorm"), c.HiddenSize, c.LayerNormEps),
		dropout:   nn.Dropout{P: c.HiddenDropout},
	}
	e.prompt = nn.NewSoftPrompt(path, e.word, c.HiddenSize)
	return e
}

// forward returns [tokens, dim], the prompt's vectors first in each row, if
// any: they have positions and a token type as words do.
func (e *embeddings) forward(in models.Input) *torch.Tensor {
	device := e.word.Weight.Tensor.Device()
	x := e.prompt.Prepend(e.word.Forward(in.Tensor(in.IDs, device)), in.Lengths)
	types := make([]int64, x.Dim(0))
	if in.Types != nil {
		types = e.prompt.Types(in.Types, in.Lengths)
	}
	positions := make([]int64, 0, x.Dim(0))
	for _, n := range e.prompt.Lengths(in.Lengths) {
		for position := range n {
			positions = append(positions, position)
		}
	}
	x = x.Add(e.tokenType.Forward(in.Tensor(types, device))).Add(e.position.Forward(in.Tensor(positions, device)))
	return e.dropout.Forward(e.norm.Forward(x), in.Train)
}
