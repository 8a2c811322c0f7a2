package apet

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// In an adapter's file each tuned tensor NAME has NAME+IndexSuffix, its
// positions as EncodePositions writes them (uint8), and NAME+ValuesSuffix, its
// values (float32), which replace the base's.
const (
	IndexSuffix  = ".apet_index"
	ValuesSuffix = ".apet_values"
)

// EncodePositions writes ascending positions as the gaps between them, each
// an unsigned LEB128 number: about two bytes an entry at the usual densities.
func EncodePositions(positions []int64) []byte {
	code := make([]byte, 0, 2*len(positions))
	next := int64(0)
	for _, at := range positions {
		code = binary.AppendUvarint(code, uint64(at-next))
		next = at + 1
	}
	return code
}

// DecodePositions reads what EncodePositions wrote, for a tensor of size entries.
func DecodePositions(code []byte, size int64) ([]int64, error) {
	var positions []int64
	next := int64(0)
	for len(code) > 0 {
		gap, n := binary.Uvarint(code)
		if n <= 0 || gap >= uint64(size-next) {
			return nil, fmt.Errorf("position %d is cut short or lies outside the tensor's %d entries", len(positions), size)
		}
		code = code[n:]
		positions = append(positions, next+int64(gap))
		next += int64(gap) + 1
	}
	return positions, nil
}

// readPositions reads the masks of all tensors in an adapter's file.
func readPositions(model pet.Model, tensors pet.Tensors) (map[string][]int64, error) {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	positions := map[string][]int64{}
	for _, name := range tensors.Names() {
		target, ok := strings.CutSuffix(name, IndexSuffix)
		if !ok {
			continue
		}
		p, known := model.Registry().Lookup(target)
		if !known {
			return nil, fmt.Errorf("the adapter tunes %q, which the model does not have", target)
		}
		code, err := tensors.Read(s, name)
		if err != nil {
			return nil, err
		}
		if code.DType() != torch.Uint8 {
			return nil, fmt.Errorf("tensor %q is %v, want uint8", name, code.DType())
		}
		if positions[target], err = DecodePositions(code.Bytes(), p.NumEl()); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	return positions, nil
}
