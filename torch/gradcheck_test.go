package torch_test

import (
	"math"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
)

// operand is one differentiable input of an operation: float64 numbers.
type operand struct {
	data  []float64
	shape []int64
}

func numel(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// normal draws from a normal distribution.
func normal(shape ...int64) operand {
	s := torch.NewScope()
	defer s.Close()
	return operand{torch.Normal(s, 0, 1, uint64(numel(shape)), torch.Float64, shape...).Float64s(), shape}
}

// positive keeps a distance from zero, for logarithms and roots.
func positive(shape ...int64) operand {
	o := normal(shape...)
	for i, v := range o.data {
		o.data[i] = math.Abs(v) + 0.5
	}
	return o
}

// apart are numbers whose order and sign no small step changes, for
// operations with a kink.
func apart(first float64, shape ...int64) operand {
	o := operand{make([]float64, numel(shape)), shape}
	for i := range o.data {
		o.data[i] = first + 0.25*float64((i*7)%len(o.data)-len(o.data)/2)
	}
	return o
}

func ints(s *torch.Scope, shape []int64, values ...int64) *torch.Tensor {
	return torch.FromSlice(s, values, shape...)
}

func bools(s *torch.Scope, shape []int64, values ...bool) *torch.Tensor {
	return torch.FromSlice(s, values, shape...)
}

type tensors = []*torch.Tensor

type operation struct {
	op, variant string
	operands    []operand
	f           func(s *torch.Scope, x tensors) *torch.Tensor
}

// operations has a row for each differentiable operation and variant. Op is
// the name of its function in the C interface, without "gt_".
var operations = []operation{
	{"neg", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Neg() }},
	{"abs", "", []operand{apart(0.1, 2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Abs() }},
	{"exp", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Exp() }},
	{"log", "", []operand{positive(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Log() }},
	{"sqrt", "", []operand{positive(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Sqrt() }},
	{"rsqrt", "", []operand{positive(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Rsqrt() }},
	{"tanh", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Tanh() }},
	{"sigmoid", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Sigmoid() }},
	{"relu", "", []operand{apart(0.1, 2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].ReLU() }},
	{"silu", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].SiLU() }},
	{"gelu", "exact", []operand{normal(3, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].GELU() }},
	{"gelu", "tanh", []operand{normal(3, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].GELUTanh() }},
	{"gated_activation", "gelu", []operand{normal(3, 3), normal(3, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.GatedActivation(x[0], x[1], torch.ActivationGELU)
	}},

	{"add", "", []operand{normal(2, 3), normal(3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Add(x[1]) }},
	{"add", "same operand", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Add(x[0]) }},
	{"sub", "", []operand{normal(2, 1), normal(3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Sub(x[1]) }},
	{"mul", "", []operand{normal(2, 3), normal(2, 1)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Mul(x[1]) }},
	{"div", "", []operand{normal(4, 1, 3), positive(2, 1)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Div(x[1]) }},
	{"maximum", "", []operand{apart(0.1, 2, 3), apart(0.2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Maximum(x[1]) }},
	{"minimum", "", []operand{apart(0.1, 2, 3), apart(0.2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Minimum(x[1]) }},
	{"add_scalar", "", []operand{normal(3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].AddScalar(-1.5) }},
	{"mul_scalar", "", []operand{normal(3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].MulScalar(-1.5) }},
	{"pow_scalar", "", []operand{positive(3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].PowScalar(2.5) }},

	{"sum", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Sum() }},
	{"mean", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Mean() }},
	{"max", "", []operand{apart(0, 2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Max() }},
	{"min", "", []operand{apart(0, 2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Min() }},
	{"norm", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Norm() }},
	{"sum_dim", "", []operand{normal(2, 3, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].SumDim(false, 0, 2) }},
	{"mean_dim", "keep", []operand{normal(2, 3, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].MeanDim(true, 1) }},
	{"amax", "", []operand{apart(0, 3, 5)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].AMax(false, -1) }},
	{"softmax", "last", []operand{normal(2, 5)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Softmax(-1) }},
	{"softmax", "first", []operand{normal(4, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Softmax(0) }},
	{"topk", "", []operand{normal(3, 5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		values, _ := x[0].TopK(2, 1)
		return values
	}},
	{"log_softmax", "", []operand{normal(2, 5)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].LogSoftmax(1) }},

	{"matmul", "", []operand{normal(2, 3), normal(3, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].MatMul(x[1]) }},
	{"matmul", "batched", []operand{normal(2, 2, 3), normal(3, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].MatMul(x[1]) }},
	{"matmul", "vector", []operand{normal(2, 3), normal(3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].MatMul(x[1]) }},
	{"linear", "", []operand{normal(2, 3, 4), normal(5, 4), normal(5)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return torch.Linear(x[0], x[1], x[2]) }},
	{"linear", "no bias", []operand{normal(3, 4), normal(1, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return torch.Linear(x[0], x[1], nil) }},
	{"layer_norm", "", []operand{normal(2, 3, 5), normal(5), positive(5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.LayerNorm(x[0], x[1], x[2], 1e-5)
	}},
	{"rms_norm", "", []operand{normal(2, 3, 5), normal(5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.RMSNorm(x[0], x[1], 1e-6)
	}},
	{"layer_norm", "no bias", []operand{normal(3, 4), normal(4)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.LayerNorm(x[0], x[1], nil, 1e-12)
	}},
	{"add_layer_norm", "", []operand{normal(2, 3, 5), normal(2, 3, 5), normal(5), positive(5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.AddLayerNorm(x[0], x[1], x[2], x[3], 1e-5)
	}},
	{"add_rms_norm", "", []operand{normal(2, 3, 5), normal(2, 3, 5), normal(5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		sum, normed := torch.AddRMSNorm(x[0], x[1], x[2], 1e-6)
		return torch.Cat(0, sum, normed)
	}},
	{"embedding", "repeated ids", []operand{normal(4, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.Embedding(x[0], ints(s, []int64{2, 3}, 0, 2, 2, 3, 0, 2))
	}},
	{"dropout", "", []operand{normal(6, 5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		torch.ManualSeed(5) // the same elements at every evaluation
		return x[0].Dropout(0.3)
	}},
	{"attention", "", []operand{normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.ScaledDotProductAttention(x[0], x[1], x[2], torch.AttentionOptions{})
	}},
	{"attention", "bool mask", []operand{normal(2, 2, 3, 4), normal(2, 2, 3, 4), normal(2, 2, 3, 4)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		mask := bools(s, []int64{2, 1, 1, 3}, true, true, false, true, true, true)
		return torch.ScaledDotProductAttention(x[0], x[1], x[2], torch.AttentionOptions{Mask: mask})
	}},
	{"attention", "float mask", []operand{normal(1, 2, 3, 4), normal(1, 2, 3, 4), normal(1, 2, 3, 4), normal(1, 2, 3, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.ScaledDotProductAttention(x[0], x[1], x[2], torch.AttentionOptions{Mask: x[3]})
	}},
	{"attention", "causal and scaled", []operand{normal(1, 2, 4, 3), normal(1, 2, 4, 3), normal(1, 2, 4, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.ScaledDotProductAttention(x[0], x[1], x[2], torch.AttentionOptions{Causal: true, Scale: 0.3})
	}},
	{"packed_attention", "cross", []operand{normal(3, 2, 3), normal(5, 2, 3), normal(5, 2, 3), normal(6, 2)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.PackedAttention(x[0], x[1], x[2], []int64{0, 1, 3}, []int64{0, 3, 5}, torch.PackedAttentionOptions{Bias: x[3], BiasOffset: 2})
	}},
	{"packed_attention", "dropout", []operand{normal(7, 2, 5), normal(7, 2, 5), normal(7, 2, 5)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		torch.ManualSeed(5) // the same weights at every evaluation
		return torch.PackedAttention(x[0], x[1], x[2], []int64{0, 3, 7}, []int64{0, 3, 7}, torch.PackedAttentionOptions{Dropout: 0.3})
	}},
	{"packed_self_attention", "causal", []operand{normal(5, 3, 2, 4), normal(4, 2)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		return torch.PackedSelfAttention(x[0], []int64{0, 3, 5}, torch.PackedAttentionOptions{Bias: x[1], BiasOffset: 3, Causal: true, Scale: 0.3})
	}},
	{"cross_entropy", "mean", []operand{normal(4, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.CrossEntropy(x[0], ints(s, []int64{4}, 0, 2, 1, 2), nil, torch.ReduceMean)
	}},
	{"cross_entropy", "weighted mean", []operand{normal(4, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		weights := torch.FromSlice(s, []float64{0.5, 2, 1.25}, 3)
		return torch.CrossEntropy(x[0], ints(s, []int64{4}, 0, 2, 1, 2), weights, torch.ReduceMean)
	}},
	{"cross_entropy", "weighted sum", []operand{normal(4, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		weights := torch.FromSlice(s, []float64{0.5, 2, 1.25}, 3)
		return torch.CrossEntropy(x[0], ints(s, []int64{4}, 0, 2, 1, 2), weights, torch.ReduceSum)
	}},
	{"cross_entropy", "one a row", []operand{normal(4, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.CrossEntropy(x[0], ints(s, []int64{4}, 0, 2, 1, 2), nil, torch.ReduceNone)
	}},

	{"linear_cross_entropy", "mean", []operand{normal(4, 3), normal(5, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.LinearCrossEntropy(x[0], x[1], ints(s, []int64{4}, 0, -100, 4, 2), torch.ReduceMean)
	}},
	{"linear_cross_entropy", "one a token", []operand{normal(4, 3), normal(5, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.LinearCrossEntropy(x[0], x[1], ints(s, []int64{4}, 0, -100, 4, 2), torch.ReduceNone)
	}},

	{"where", "", []operand{normal(2, 3), normal(3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.Where(bools(s, []int64{2, 1}, true, false), x[0], x[1])
	}},
	{"masked_fill", "", []operand{normal(2, 3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return x[0].MaskedFill(bools(s, []int64{3}, true, false, true), -7)
	}},
	{"gather", "", []operand{normal(3, 4)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return x[0].Gather(1, ints(s, []int64{3, 2}, 0, 0, 3, 1, 2, 2))
	}},
	{"index_select", "", []operand{normal(3, 4)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return x[0].IndexSelect(0, ints(s, []int64{4}, 2, 0, 2, 1))
	}},
	{"cat", "", []operand{normal(2, 3), normal(2, 1)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return torch.Cat(1, x...) }},
	{"stack", "", []operand{normal(2, 3), positive(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return torch.Stack(1, x...) }},
	{"narrow", "", []operand{normal(4, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Narrow(0, 1, 2) }},
	{"select", "", []operand{normal(4, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Select(1, -1) }},
	{"reshape", "", []operand{normal(4, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Reshape(2, -1) }},
	{"expand", "", []operand{normal(3, 1)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Expand(2, -1, 4) }},
	{"permute", "", []operand{normal(2, 3, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Permute(2, 0, 1) }},
	{"transpose", "", []operand{normal(2, 3, 4)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Transpose(0, -1) }},
	{"unsqueeze", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Unsqueeze(1) }},
	{"squeeze", "", []operand{normal(2, 1, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Squeeze(1) }},
	{"contiguous", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Transpose(0, 1).Contiguous() }},
	{"clone", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].Clone() }},
	{"to", "", []operand{normal(2, 3)}, func(_ *torch.Scope, x tensors) *torch.Tensor { return x[0].To(torch.Float64, torch.CPU) }},

	{"low_rank_linear", "", []operand{normal(2, 3, 4), normal(5), normal(2, 4), normal(5, 2)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.LowRankLinear(x[0], torch.Normal(s, 0, 1, 9, torch.Float64, 5, 4), x[1], x[2], x[3], 0.7)
	}},
	{"low_rank_linear", "tuned weight", []operand{normal(2, 4), normal(5, 4), normal(2, 4), normal(5, 2)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.LowRankLinear(x[0], x[1], nil, x[2], x[3], 0.7)
	}},
	{"low_rank_linear", "no bias", []operand{normal(6, 4), normal(1, 4), normal(3, 1)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		return torch.LowRankLinear(x[0], torch.Normal(s, 0, 1, 9, torch.Float64, 3, 4), nil, x[1], x[2], -2)
	}},
	{"masked_linear", "", []operand{normal(2, 3, 4), normal(5), normal(3)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		weight, mask := tuned(s, x[2], []int64{1, 7, 19}, 5, 4)
		return torch.MaskedLinear(x[0], weight, x[1], mask)
	}},
	{"masked_linear", "no bias", []operand{normal(6, 4), normal(20)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		weight, mask := tuned(s, x[1], []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, 5, 4)
		return torch.MaskedLinear(x[0], weight, nil, mask)
	}},
	{"fused_linear", "", []operand{normal(3, 4), normal(5, 4), normal(5), normal(4, 5), normal(4), positive(4), normal(4)}, func(_ *torch.Scope, x tensors) *torch.Tensor {
		second := torch.LinearTerm{Weight: x[3], Bias: x[4]}
		return torch.FusedLinear(x[0], torch.FusedLinearOptions{
			Activation: torch.ActivationGELU, Second: &second, Residual: x[0], NormWeight: x[5], NormBias: x[6], Eps: 1e-5,
		}, torch.LinearTerm{Weight: x[1], Bias: x[2]})
	}},
	{"masked_embedding", "", []operand{normal(4)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		weight, mask := tuned(s, x[0], []int64{0, 7, 8, 14}, 5, 3)
		return torch.MaskedEmbedding(weight, ints(s, []int64{2, 3}, 2, 0, 2, 4, 1, 2), mask)
	}},
	{"masked_parameter", "", []operand{normal(2, 5), normal(2)}, func(s *torch.Scope, x tensors) *torch.Tensor {
		bias, mask := tuned(s, x[1], []int64{0, 3}, 5)
		return x[0].Add(torch.MaskedParameter(s, bias, mask))
	}},
}

// tuned is a weight that holds values at index, as whoever tunes it keeps it.
func tuned(s *torch.Scope, values *torch.Tensor, index []int64, shape ...int64) (*torch.Tensor, torch.Mask) {
	weight := torch.Normal(s, 0, 1, 9, torch.Float64, shape...)
	mask := torch.Mask{Index: ints(s, []int64{int64(len(index))}, index...), Values: values}
	weight.Put(mask.Index, values.Detach())
	return weight, mask
}

// TestGradients holds every operation to central differences in float64.
func TestGradients(t *testing.T) {
	for _, row := range operations {
		t.Run(row.op+" "+row.variant, func(t *testing.T) {
			torchtest.NoLeaks(t)
			checkGradients(t, row.operands, row.f)
		})
	}
}

func checkGradients(t *testing.T, operands []operand, f func(*torch.Scope, tensors) *torch.Tensor) {
	t.Helper()
	s := torch.NewScope()
	defer s.Close()
	var leaves tensors
	for _, o := range operands {
		leaves = append(leaves, torch.FromSlice(s, o.data, o.shape...).SetRequiresGrad(true))
	}
	out := f(s, leaves)
	cotangent := torch.Normal(s, 0, 1, 77, torch.Float64, out.Shape()...)
	out.BackwardWith(cotangent)

	loss := func() float64 {
		s := s.NewScope(torch.NoGrad())
		defer s.Close()
		var x tensors
		for _, o := range operands {
			x = append(x, torch.FromSlice(s, o.data, o.shape...))
		}
		return f(s, x).Mul(cotangent).Sum().Item()
	}
	for i, o := range operands {
		gradient := leaves[i].Grad(s)
		if gradient == nil {
			t.Fatalf("operand %d has no gradient", i)
		}
		for j, got := range gradient.Float64s() {
			const h = 1e-5
			value := o.data[j]
			o.data[j] = value + h
			up := loss()
			o.data[j] = value - h
			down := loss()
			o.data[j] = value
			if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-8*math.Max(1, math.Abs(want)) {
				t.Errorf("operand %d, element %d: gradient %.12g, difference quotient %.12g", i, j, got, want)
			}
		}
	}
}

// TestEveryOperationIsChecked reads the C interface: a function that records
// for the backward pass has a row above, or is listed here with the reason.
func TestEveryOperationIsChecked(t *testing.T) {
	without := map[string]string{
		"isfinite": "bool", "logical_not": "bool", "eq": "bool", "ne": "bool", "lt": "bool", "gt": "bool",
		"eq_scalar": "bool", "lt_scalar": "bool", "gt_scalar": "bool", "argmax": "an index",
		"detach": "cuts the gradient off",
	}
	header, err := os.ReadFile("csrc/gopet_torch.h")
	if err != nil {
		t.Fatal(err)
	}
	recorded := regexp.MustCompile(`(?m)^(?:GT_(?:UNARY|BINARY|SCALAR|DIM)\(|gt_error gt_)(\w+)(?:\);|\(gt_tensor \*out, int32_t mode)`)
	matches := recorded.FindAllStringSubmatch(string(header), -1)
	if len(matches) < 50 {
		t.Fatalf("found only %d operations in the header", len(matches))
	}
	for _, match := range matches {
		name := match[1]
		checked := slices.ContainsFunc(operations, func(row operation) bool { return row.op == name })
		if _, exempt := without[name]; exempt == checked {
			t.Errorf("gt_%s: checked %v, listed as without a gradient %v", name, checked, exempt)
		}
	}
}
