package pettest

import (
	"maps"
	"slices"

	"github.com/gopet-ml/gopet/torch"
)

// Zeros is an adapter's tensors in memory, by their shapes; all are zero.
type Zeros map[string][]int64

// Names lists the tensors.
func (z Zeros) Names() []string { return slices.Sorted(maps.Keys(z)) }

// Read returns one.
func (z Zeros) Read(s *torch.Scope, name string) (*torch.Tensor, error) {
	return torch.Zeros(s, torch.Float32, z[name]...), nil
}
