package apet

import (
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// override makes the layers that hold masked parameters compute the gradient
// of the masked entries, and every other layer compute what it did at first.
func override(r *nn.Registry, masks map[*nn.Parameter]torch.Mask) {
	for _, l := range r.Linears() {
		l.Override = linearOverride(l, masks)
	}
	for _, e := range r.Embeddings() {
		e.Override = embeddingOverride(e, masks)
	}
	for _, l := range r.LayerNorms() {
		l.Override = layerNormOverride(l, masks)
	}
}

func linearOverride(l *nn.Linear, masks map[*nn.Parameter]torch.Mask) func(*torch.Tensor) *torch.Tensor {
	weight, weightMasked := masks[l.Weight]
	bias, biasMasked := masks[l.Bias]
	if !weightMasked && !biasMasked {
		return nil
	}
	return func(x *torch.Tensor) *torch.Tensor {
		b := l.BiasTensor()
		if biasMasked {
			b = torch.MaskedParameter(x.Scope(), b, bias)
		}
		if !weightMasked {
			return torch.Linear(x, l.Weight.Tensor, b)
		}
		return torch.MaskedLinear(x, l.Weight.Tensor, b, weight)
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

func layerNormOverride(l *nn.LayerNorm, masks map[*nn.Parameter]torch.Mask) func(*torch.Tensor) *torch.Tensor {
	weight, weightMasked := masks[l.Weight]
	bias, biasMasked := masks[l.Bias]
	if !weightMasked && !biasMasked {
		return nil
	}
	return func(x *torch.Tensor) *torch.Tensor {
		w, b := l.Weight.Tensor, l.BiasTensor()
		if weightMasked {
			w = torch.MaskedParameter(x.Scope(), w, weight)
		}
		if biasMasked {
			b = torch.MaskedParameter(x.Scope(), b, bias)
		}
		return l.Normalize(x, w, b)
	}
}
