// Package methods registers every tuning method of gopet when imported.
package methods

import (
	_ "github.com/gopet-ml/gopet/pet/apet" // apet-discrete, apet-adjacent
	_ "github.com/gopet-ml/gopet/pet/full" // full
)
