package train

import (
	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
)

// input is a batch as models read it; what they compute joins s.
func input(s *torch.Scope, b *batch.Batch, train bool) models.Input {
	return models.Input{Scope: s, IDs: b.IDs, Types: b.Types, Lengths: b.Lengths, Train: train}
}
