package peft

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

// A BERT whose checkpoint has no pooler has its head read the first token's
// last hidden state x. transformers' classifier always has a pooler, of random
// weights where the checkpoint has none. An adapter of peft can bring one along,
// and there is one that lets x pass: tanh(s x) is s x to the last bit of a
// float32 where s is small, and a classifier that is 1/s times as large then
// gives the same logits. s is a power of two, so that nothing is rounded.

// poolerScale is s. Where |x| is 16, tanh(s x) is off by a part in 5e7.
const poolerScale = 1.0 / (1 << 16)

const (
	poolerModule = "pooler"
	poolerWeight = "bert.pooler.dense.weight"
	poolerBias   = "bert.pooler.dense.bias"
)

// poolerless reports a classifier that reads the first token itself.
func (b *base) poolerless() bool {
	_, pooler := b.linears["bert.pooler.dense"]
	return b.modelType == "bert" && len(b.model.Head()) > 0 && !pooler
}

// addPooler puts a pooler that lets the first token pass before the head.
func (t *tuned) addPooler() error {
	if !t.poolerless() {
		return errors.New("its base needs no pooler: only a BERT's head may, where the checkpoint has none")
	}
	n := t.width()
	diagonal := make([]float32, n*n)
	for i := range n {
		diagonal[i*(n+1)] = poolerScale
	}
	t.head.add(
		scaled(t.head[headWeight], 1/poolerScale),
		floatTensor(poolerWeight, diagonal, n, n), floatTensor(poolerBias, make([]float32, n), n))
	return nil
}

func scaled(t checkpoint.Tensor, by float32) checkpoint.Tensor {
	values := float32s(t)
	for i := range values {
		values[i] *= by
	}
	return floatTensor(t.Name, values, t.Shape...)
}

// takePooler undoes addPooler.
func (f *foreign) takePooler(b *base) error {
	if f.firstToken && !b.poolerless() {
		return fmt.Errorf("%s: use_pooler = false is not supported for a base with a pooler", headConfigFile)
	}
	if len(f.pooler) == 0 {
		if b.poolerless() && len(f.head) > 0 && f.origin == nil && !f.firstToken {
			f.remarks = append(f.remarks, "its base has no pooler: the head reads the first token, "+
				"which is not what it did if it was trained behind the random one that transformers makes")
		}
		return nil
	}
	scale, ok := passes(f.pooler[poolerWeight], f.pooler[poolerBias], b.width())
	if !b.poolerless() || !ok {
		return errNotKept(poolerModule)
	}
	f.head.add(scaled(f.head[headWeight], scale))
	return nil
}

// passes reports whether a pooler lets the first token pass, times a scale.
func passes(weight, bias checkpoint.Tensor, n int64) (scale float32, ok bool) {
	if !slices.Equal(weight.Shape, []int64{n, n}) || !slices.Equal(bias.Shape, []int64{n}) {
		return 0, false
	}
	values := float32s(weight)
	scale = values[0]
	for i, v := range values {
		if want := scale; int64(i)%(n+1) == 0 && v != want || int64(i)%(n+1) != 0 && v != 0 {
			return 0, false
		}
	}
	zero := !slices.ContainsFunc(float32s(bias), func(v float32) bool { return v != 0 })
	return scale, zero && scale > 0 && scale <= poolerScale
}
