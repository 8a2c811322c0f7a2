package nn

import "github.com/gopet-ml/gopet/torch"

// SoftPrompt is where vectors may be put before the embedded tokens of an
// encoder or a decoder (Lester et al., 2021). Without vectors it changes
// nothing.
type SoftPrompt struct {
	Name    string     // the stack it belongs to, such as "encoder"
	Table   *Embedding // what the tokens are looked up in
	Dim     int64
	Vectors *torch.Tensor // [n, dim], or nil
}

// NewSoftPrompt enters the place of a prompt before the tokens of a table.
func NewSoftPrompt(path Path, table *Embedding, dim int64) *SoftPrompt {
	p := &SoftPrompt{Name: path.String(), Table: table, Dim: dim}
	path.registry.softPrompts = append(path.registry.softPrompts, p)
	return p
}

// Len is the number of vectors.
func (p *SoftPrompt) Len() int64 {
	if p.Vectors == nil {
		return 0
	}
	return p.Vectors.Dim(0)
}

// Prepend puts the vectors before embedded tokens: [rows, length, dim] becomes
// [rows, n+length, dim].
func (p *SoftPrompt) Prepend(embedded *torch.Tensor) *torch.Tensor {
	if p.Len() == 0 {
		return embedded
	}
	vectors := p.Vectors.In(embedded.Scope()).ToDType(embedded.DType())
	return torch.Cat(1, vectors.Unsqueeze(0).Expand(embedded.Dim(0), p.Len(), p.Dim), embedded)
}

// PrependMask makes a mask of tokens, bool [rows, length], one of [rows,
// n+length] that lets every vector be seen. A nil mask stays nil.
func (p *SoftPrompt) PrependMask(mask *torch.Tensor) *torch.Tensor {
	if p.Len() == 0 || mask == nil {
		return mask
	}
	return torch.Cat(1, torch.Ones(mask.Scope(), torch.Bool, mask.Dim(0), p.Len()).ToDevice(mask.Device()), mask)
}

// PrependTypes gives the vectors token type 0: int64 [rows, length] becomes
// [rows, n+length].
func (p *SoftPrompt) PrependTypes(types *torch.Tensor) *torch.Tensor {
	if p.Len() == 0 {
		return types
	}
	return torch.Cat(1, torch.Zeros(types.Scope(), torch.Int64, types.Dim(0), p.Len()).ToDevice(types.Device()), types)
}
