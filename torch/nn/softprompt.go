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

// Prepend puts the vectors before the embedded tokens [tokens, dim] of each
// sequence.
func (p *SoftPrompt) Prepend(embedded *torch.Tensor, lengths []int64) *torch.Tensor {
	if p.Len() == 0 {
		return embedded
	}
	vectors := p.Vectors.In(embedded.Scope()).ToDType(embedded.DType())
	var rows []int64 // of the vectors followed by all tokens
	at := p.Len()
	for _, n := range lengths {
		rows = appendRange(rows, 0, p.Len())
		rows = appendRange(rows, at, at+n)
		at += n
	}
	return pick(torch.Cat(0, vectors, embedded), rows)
}

// Drop leaves the vectors' places out of what became of Prepend's result.
func (p *SoftPrompt) Drop(x *torch.Tensor, lengths []int64) *torch.Tensor {
	if p.Len() == 0 {
		return x
	}
	var rows []int64
	at := int64(0)
	for _, n := range lengths {
		at += p.Len()
		rows = appendRange(rows, at, at+n)
		at += n
	}
	return pick(x, rows)
}

func pick(x *torch.Tensor, rows []int64) *torch.Tensor {
	return x.IndexSelect(0, torch.FromSlice(x.Scope(), rows, int64(len(rows))).ToDevice(x.Device()))
}

func appendRange(list []int64, from, to int64) []int64 {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

// Lengths are those of sequences of the given lengths with the vectors before
// each.
func (p *SoftPrompt) Lengths(lengths []int64) []int64 {
	if p.Len() == 0 {
		return lengths
	}
	longer := make([]int64, len(lengths))
	for i, n := range lengths {
		longer[i] = n + p.Len()
	}
	return longer
}

// Types gives the vectors token type 0 before the types of each sequence.
func (p *SoftPrompt) Types(types, lengths []int64) []int64 {
	if p.Len() == 0 {
		return types
	}
	var longer []int64
	for _, n := range lengths {
		longer = append(append(longer, make([]int64, p.Len())...), types[:n]...)
		types = types[n:]
	}
	return longer
}
