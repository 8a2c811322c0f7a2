package plan

// A cost is a kind of work whose rate calibration measures.
type cost int

const (
	productOperations   cost = iota // of products of matrices; a multiply-add is two
	productBytes                    // that they read and write
	productCalls                    // how many products there are
	thinElements                    // of low-rank updates: what lies beside the rank, for every 8 of it
	attentionOperations             // of the products of attention
	attentionBytes                  // that attention reads and writes
	geluElements                    // of GELU
	geluGradients                   // of its gradient
	otherElements                   // of other activations
	otherGradients                  // of their gradients
	normElements                    // of layer norms
	normGradients                   // of their gradients
	rmsElements                     // of RMS norms
	rmsGradients                    // of their gradients
	plainBytes                      // that elementwise operations and copies read and write
	sampledTerms                    // of the gradients of masked entries: entries times tokens
	updatedValues                   // by the optimizer
	lossElements                    // of logits, forward and backward
	operations                      // what each costs besides
	numCosts
)

// costNames are those of a calibration's file.
var costNames = [numCosts]string{
	"product_operations", "product_bytes", "product_calls", "thin_elements", "attention_operations", "attention_bytes",
	"gelu_elements", "gelu_gradients", "activation_elements", "activation_gradients",
	"norm_elements", "norm_gradients", "rms_elements", "rms_gradients", "plain_bytes", "sampled_terms", "updated_values",
	"loss_elements", "operations",
}

// work is how much there is of each kind.
type work [numCosts]float64

func (w *work) add(other work) {
	for i, amount := range other {
		w[i] += amount
	}
}

// product is that of [rows, inner] and [inner, columns].
func (w *work) product(rows, inner, columns, element int64) {
	w[productOperations] += 2 * float64(rows) * float64(inner) * float64(columns)
	w[productBytes] += float64(element) * (float64(rows)*float64(inner+columns) + float64(inner)*float64(columns))
	w[productCalls]++
}

// seconds is the time that work takes at rates, in seconds a unit.
func (w work) seconds(rates work) float64 {
	total := 0.0
	for i, amount := range w {
		total += amount * rates[i]
	}
	return total
}
