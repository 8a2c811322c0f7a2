// Package methods registers every tuning method of gopet when imported.
package methods

import (
	_ "github.com/gopet-ml/gopet/pet/adapter" // adapter
	_ "github.com/gopet-ml/gopet/pet/apet"    // apet-discrete, apet-adjacent
	_ "github.com/gopet-ml/gopet/pet/bitfit"  // bitfit
	_ "github.com/gopet-ml/gopet/pet/full"    // full
	_ "github.com/gopet-ml/gopet/pet/lora"    // lora
	_ "github.com/gopet-ml/gopet/pet/prompt"  // prompt
)
