package nn

import "github.com/gopet-ml/gopet/torch"

// Embedding is a table [n, dim] of vectors looked up by id.
type Embedding struct {
	Weight *Parameter
	// Override, when set, computes the layer instead.
	Override func(ids *torch.Tensor) *torch.Tensor
}

// NewEmbedding declares path.weight.
func NewEmbedding(path Path, n, dim int64) *Embedding {
	e := &Embedding{Weight: path.Parameter("weight", n, dim)}
	path.registry.embeddings = append(path.registry.embeddings, e)
	return e
}

// Forward maps ids [...] (int64) to vectors [..., dim].
func (e *Embedding) Forward(ids *torch.Tensor) *torch.Tensor {
	if e.Override != nil {
		return e.Override(ids)
	}
	return torch.Embedding(e.Weight.Tensor, ids)
}
