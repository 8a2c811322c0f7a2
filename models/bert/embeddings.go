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

// forward returns [rows, length, dim], the prompt's vectors first, if any:
// they have positions and a token type as words do.
func (e *embeddings) forward(in models.Input) *torch.Tensor {
	s, device := in.IDs.Scope(), in.IDs.Device()
	words := e.prompt.Prepend(e.word.Forward(in.IDs))
	length := words.Dim(1)
	var types *torch.Tensor
	if in.Types == nil {
		types = torch.Zeros(s, torch.Int64, length).ToDevice(device)
	} else {
		types = e.prompt.PrependTypes(in.Types)
	}
	positions := torch.Arange(s, length, torch.Int64).ToDevice(device)
	x := words.Add(e.tokenType.Forward(types)).Add(e.position.Forward(positions))
	return e.dropout.Forward(e.norm.Forward(x), in.Train)
}
