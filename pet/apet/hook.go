package apet

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// hook makes the layers that hold masked parameters compute the gradient of
// the masked entries, and every other layer compute what it did at first.
func hook(r *nn.Registry, masks map[*nn.Parameter]torch.Mask) {
	for _, l := range r.Linears() {
		l.Tune = tuneLinear(l, masks)
	}
	for _, e := range r.Embeddings() {
		e.Override = embeddingOverride(e, masks)
	}
	for _, l := range r.LayerNorms() {
		l.Tune = tuneNorm(l, masks)
	}
}

func tuneLinear(l *nn.Linear, masks map[*nn.Parameter]torch.Mask) func(*torch.LinearTerm, *torch.Tensor) {
	weight, weightMasked := masks[l.Weight]
	bias, biasMasked := masks[l.Bias]
	if !weightMasked && !biasMasked {
		return nil
	}
	return func(term *torch.LinearTerm, x *torch.Tensor) {
		term.Mask = weight
		if biasMasked {
			term.Bias = torch.MaskedParameter(x.Scope(), term.Bias, bias)
		}
	}
}

func embeddingOverride(e *nn.Embedding, masks map[*nn.Parameter]torch.Mask) func(*torch.Tensor) *torch.Tensor {
	mask, masked := masks[e.Weight]
	if !masked {
		return nil
	}
	return func(ids *torch.Tensor) *torch.Tensor {
		return torch.MaskedEmbedding(e.Weight.Tensor, ids, mask)
	}
}

func tuneNorm(l *nn.LayerNorm, masks map[*nn.Parameter]torch.Mask) func(weight, bias, x *torch.Tensor) (*torch.Tensor, *torch.Tensor) {
	weight, weightMasked := masks[l.Weight]
	bias, biasMasked := masks[l.Bias]
	if !weightMasked && !biasMasked {
		return nil
	}
	return func(w, b, x *torch.Tensor) (*torch.Tensor, *torch.Tensor) {
		if weightMasked {
			w = torch.MaskedParameter(x.Scope(), w, weight)
		}
		if biasMasked {
			b = torch.MaskedParameter(x.Scope(), b, bias)
		}
		return w, b
	}
}
