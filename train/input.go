package train

import (
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// input puts a batch on the device, as tensors of s.
func input(s *torch.Scope, b *batch.Batch, device torch.Device, train bool) models.Input {
	rows, length := int64(b.Rows), int64(b.Length)
	in := models.Input{
		IDs:   torch.FromSlice(s, b.IDs, rows, length).ToDevice(device),
		Types: torch.FromSlice(s, b.Types, rows, length).ToDevice(device),
		Train: train,
	}
	if b.Tokens-b.TargetTokens < rows*length {
		in.Mask = torch.FromSlice(s, realTokens(b), rows, length).ToDevice(device)
	}
	return in
}

// realTokens is true where a row has not ended.
func realTokens(b *batch.Batch) []bool {
	mask := make([]bool, b.Rows*b.Length)
	for i, n := range b.Lengths {
		for j := range n {
			mask[int64(i*b.Length)+j] = true
		}
	}
	return mask
}
