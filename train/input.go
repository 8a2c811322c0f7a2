package train

import (
	"slices"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// input puts a batch on the device, as tensors of s.
func input(s *torch.Scope, b *batch.Batch, device torch.Device, train bool) models.Input {
	ids, length := rectangle(b.IDs, b.Lengths, 0)
	types, _ := rectangle(b.Types, b.Lengths, 0)
	rows := int64(b.Rows)
	in := models.Input{
		IDs:   torch.FromSlice(s, ids, rows, int64(length)).ToDevice(device),
		Types: torch.FromSlice(s, types, rows, int64(length)).ToDevice(device),
		Train: train,
	}
	if len(b.IDs) < len(ids) {
		in.Mask = torch.FromSlice(s, realTokens(b.Lengths, length), rows, int64(length)).ToDevice(device)
	}
	return in
}

// rectangle lays packed rows below each other, filled up on the right to the
// length of the longest, which it returns too.
func rectangle(packed, lengths []int64, fill int64) (flat []int64, length int) {
	if len(lengths) == 0 {
		return nil, 0
	}
	length = int(slices.Max(lengths))
	flat = slices.Repeat([]int64{fill}, len(lengths)*length)
	at := 0
	for row, n := range lengths {
		at += copy(flat[row*length:], packed[at:at+int(n)])
	}
	return flat, length
}

// realTokens is true where a row has not ended.
func realTokens(lengths []int64, length int) []bool {
	mask := make([]bool, len(lengths)*length)
	for row, n := range lengths {
		for j := range int(n) {
			mask[row*length+j] = true
		}
	}
	return mask
}
