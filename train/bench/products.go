package bench

import (
	"math"
	"strings"

	"github.com/gopet-ml/gopet/data/batch"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// libraries compute the products of matrices; the fastest one's time is the
// measure. On a GPU that is libtorch's choice, cuBLAS.
func (o Options) libraries() []string {
	if o.Device == torch.CPU.String() {
		return []string{libtorch, packedOneDNN}
	}
	return []string{libtorch}
}

// libtorch's own products are MKL's in float32 and oneDNN's in bfloat16. With
// packed weights, which do not change, oneDNN has them in its own layout before
// the steps; products within attention have no weights and stay libtorch's.
const (
	libtorch     = "libtorch"
	packedOneDNN = "oneDNN, packed weights"
)

// multiplications are the products of a floor's step and nothing else: of every
// linear layer the forward product and that of the activation's gradient, and
// the six of every attention. Each has the shape that it has in the model, and
// a layer's has its own weight.
type multiplications struct {
	scope    *torch.Scope // of the operands
	batches  [][]func()
	operands map[[4]int64]*torch.Tensor // by shape
	dtype    torch.DType
	packed   map[*nn.Linear]packed // by oneDNN; nil without it
	count    int64                 // multiply-adds of all batches
}

// packed is a layer's weight, and its transpose for the activation's gradient.
type packed struct{ weight, transposed torch.PackedWeight }

func newMultiplications(m models.Model, j job, b *batches) (*multiplications, error) {
	heads, err := attentionHeads(j.Model)
	if err != nil {
		return nil, err
	}
	p := &multiplications{scope: torch.NewScope(torch.NoGrad()), operands: map[[4]int64]*torch.Tensor{}, dtype: m.Registry().DType()}
	if j.Params == packedOneDNN {
		p.packed = map[*nn.Linear]packed{}
	}
	err = torch.Try(func() {
		for _, rows := range b.rows {
			p.batches = append(p.batches, p.of(m, lengthsOf(rows), heads))
		}
	})
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *multiplications) of(m models.Model, l lengths, heads int64) []func() {
	var list []func()
	for _, layer := range m.Registry().Linears() {
		list = append(list, p.linear(layer, l.tokens(layer)))
		if queries, keys, ok := l.attention(layer); ok {
			list = append(list, p.attention(queries, keys, heads, layer.Out))
		}
	}
	return list
}

func (p *multiplications) step(batch int) {
	for _, multiply := range p.batches[batch] {
		multiply()
	}
}

func (p *multiplications) close() { p.scope.Close() }

// operand is a tensor of a shape, shared by all products of that shape, as
// memory is reused in a step.
func (p *multiplications) operand(shape ...int64) *torch.Tensor {
	var key [4]int64
	copy(key[:], shape)
	if p.operands[key] == nil {
		p.operands[key] = torch.Normal(p.scope, 0, 1, uint64(len(p.operands)), torch.Float32, shape...).ToDType(p.dtype)
	}
	return p.operands[key]
}

func (p *multiplications) linear(l *nn.Linear, tokens int64) func() {
	x, dy, w := p.operand(tokens, l.In), p.operand(tokens, l.Out), l.Weight.Tensor
	p.count += 2 * tokens * l.In * l.Out
	if p.packed == nil {
		return func() {
			p.discard(func(s *torch.Scope) { torch.Linear(x.In(s), w, nil) })
			p.discard(func(s *torch.Scope) { dy.In(s).MatMul(w) })
		}
	}
	k := p.pack(l, tokens)
	return func() {
		p.discard(func(s *torch.Scope) { torch.PackedLinear(x.In(s), k.weight) })
		p.discard(func(s *torch.Scope) { torch.PackedLinear(dy.In(s), k.transposed) })
	}
}

// pack packs a layer's weight for about so many tokens, once.
func (p *multiplications) pack(l *nn.Linear, tokens int64) packed {
	if k, ok := p.packed[l]; ok {
		return k
	}
	var k packed
	p.discard(func(s *torch.Scope) {
		k.weight = torch.PackLinear(p.scope, l.Weight.Tensor, tokens)
		k.transposed = torch.PackLinear(p.scope, l.Weight.Tensor.In(s).Transpose(0, 1).Contiguous(), tokens)
	})
	p.packed[l] = k
	return k
}

// attention of rows that are all as long as the mean, so that they are one call
// with as many multiply-adds as the rows have.
func (p *multiplications) attention(queries, keys []int64, heads, width int64) func() {
	rows, area, keyed := int64(len(queries)), int64(0), int64(0)
	for i := range queries {
		area, keyed = area+queries[i]*keys[i], keyed+keys[i]
	}
	k := max(int64(math.Round(float64(keyed)/float64(rows))), 1)
	q := max(int64(math.Round(float64(area)/float64(rows*k))), 1)
	dim := width / heads
	query, key, scores := p.operand(rows*heads, q, dim), p.operand(rows*heads, k, dim), p.operand(rows*heads, q, k)
	p.count += 6 * rows * q * k * width
	pairs := [][2]*torch.Tensor{
		{query, key.Transpose(1, 2)}, {scores, key}, // the scores, and the output
		{query, key.Transpose(1, 2)}, {scores.Transpose(1, 2), query}, // of the weights, and of the values
		{scores, key}, {scores.Transpose(1, 2), query}, // of the queries, and of the keys
	}
	return func() {
		for _, pair := range pairs {
			p.discard(func(s *torch.Scope) { pair[0].In(s).MatMul(pair[1]) })
		}
	}
}

// discard frees what f computes at once, as the memory of a step is reused.
func (p *multiplications) discard(f func(*torch.Scope)) {
	s := p.scope.NewScope()
	defer s.Close()
	f(s)
}

// lengths are those of a batch's rows, and of their targets.
type lengths struct{ sources, targets []int64 }

func lengthsOf(rows []batch.Example) lengths {
	var l lengths
	for _, e := range rows {
		l.sources, l.targets = append(l.sources, int64(len(e.IDs))), append(l.targets, int64(len(e.Target)))
	}
	return l
}

// tokens is how many a layer computes.
func (l lengths) tokens(layer *nn.Linear) int64 {
	switch {
	case layer.Role == nn.CrossAttention && !isCrossQuery(layer) && !strings.HasSuffix(layer.Name, ".o"):
		return sum(l.sources)
	case strings.HasPrefix(layer.Name, "decoder.") || layer.Name == "lm_head":
		return sum(l.targets)
	case layer.Role == nn.RoleNone: // poolers and heads read a token a row
		return int64(len(l.sources))
	}
	return sum(l.sources)
}

// attention is between which tokens a layer that makes queries stands.
func (l lengths) attention(layer *nn.Linear) (queries, keys []int64, ok bool) {
	decoder := strings.HasPrefix(layer.Name, "decoder.")
	switch {
	case isCrossQuery(layer):
		return l.targets, l.sources, true
	case layer.Role == nn.AttentionQuery && decoder:
		return l.targets, l.targets, true
	case layer.Role == nn.AttentionQuery:
		return l.sources, l.sources, true
	}
	return nil, nil, false
}

func isCrossQuery(layer *nn.Linear) bool {
	return layer.Role == nn.CrossAttention && strings.HasSuffix(layer.Name, ".q")
}

func sum(list []int64) int64 {
	var total int64
	for _, n := range list {
		total += n
	}
	return total
}

// attentionHeads is what a config.json says of a BERT or a T5.
func attentionHeads(dir string) (int64, error) {
	file, err := models.ReadConfig(dir)
	if err != nil {
		return 0, err
	}
	var config struct {
		BERT int64 `json:"num_attention_heads"`
		T5   int64 `json:"num_heads"`
	}
	err = file.Decode(&config)
	return max(config.BERT, config.T5), err
}
