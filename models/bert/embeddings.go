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
}

func newEmbeddings(path nn.Path, c Config) *embeddings {
	return &embeddings{
		word:      nn.NewEmbedding(path.Sub("word_embeddings"), c.VocabSize, c.HiddenSize),
		position:  nn.NewEmbedding(path.Sub("position_embeddings"), c.MaxPositionEmbeddings, c.HiddenSize),
		tokenType: nn.NewEmbedding(path.Sub("token_type_embeddings"), c.TypeVocabSize, c.HiddenSize),
		norm:      nn.NewLayerNorm(path.Sub("LayerNorm"), c.HiddenSize, c.LayerNormEps),
		dropout:   nn.Dropout{P: c.HiddenDropout},
	}
}

// forward returns [rows, length, dim].
func (e *embeddings) forward(in models.Input) *torch.Tensor {
	s, device, length := in.IDs.Scope(), in.IDs.Device(), in.IDs.Dim(1)
	types := in.Types
	if types == nil {
		types = torch.Zeros(s, torch.Int64, length).ToDevice(device)
	}
	positions := torch.Arange(s, length, torch.Int64).ToDevice(device)
	x := e.word.Forward(in.IDs).Add(e.tokenType.Forward(types)).Add(e.position.Forward(positions))
	return e.dropout.Forward(e.norm.Forward(x), in.Train)
}
