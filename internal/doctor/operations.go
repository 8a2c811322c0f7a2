package doctor

import (
	"fmt"
	"math"

	"github.com/gopet-ml/gopet/torch"
)

// operation is something that gopet computes in a way of its own, beside the
// same composed of libtorch's operations. Both are functions of tensors of one
// dtype, forward and backward.
type operation struct {
	name            string
	onlyCUDA        bool // on a CPU it is libtorch's own
	shapes          [][]int64
	ours, reference func(x []*torch.Tensor) *torch.Tensor
}

// A batch of three sequences, as MiniLM-L6 has them.
const tokens, width, inner, heads, classes = 256, 384, 1536, 6, 2048

var offsets = []int64{0, 100, 128, tokens}

func operations() []operation {
	square, out := []int64{tokens, width}, []int64{width}
	return []operation{
		{
			name:   "fused linear",
			shapes: [][]int64{square, {inner, width}, {inner}, {width, inner}, out, out, out},
			ours: func(x []*torch.Tensor) *torch.Tensor {
				return torch.FusedLinear(x[0], torch.FusedLinearOptions{
					Activation: torch.ActivationGELU, Second: &torch.LinearTerm{Weight: x[3], Bias: x[4]},
					Residual: x[0], NormWeight: x[5], NormBias: x[6], Eps: 1e-5,
				}, torch.LinearTerm{Weight: x[1], Bias: x[2]})
			},
			reference: func(x []*torch.Tensor) *torch.Tensor {
				y := torch.Linear(torch.Linear(x[0], x[1], x[2]).GELU(), x[3], x[4]).Add(x[0])
				return layerNorm(y, x[5], x[6])
			},
		},
		{
			name:   "gated linear",
			shapes: [][]int64{square, {inner, width}, {inner, width}},
			ours: func(x []*torch.Tensor) *torch.Tensor {
				return torch.FusedLinear(x[0], torch.FusedLinearOptions{Activation: torch.ActivationTanhGELU, Gated: true},
					torch.LinearTerm{Weight: x[1]}, torch.LinearTerm{Weight: x[2]})
			},
			reference: func(x []*torch.Tensor) *torch.Tensor {
				return torch.Linear(x[0], x[1], nil).GELUTanh().Mul(torch.Linear(x[0], x[2], nil))
			},
		},
		{
			name:      "layer norm of a sum",
			shapes:    [][]int64{square, square, out, out},
			ours:      func(x []*torch.Tensor) *torch.Tensor { return torch.AddLayerNorm(x[0], x[1], x[2], x[3], 1e-5) },
			reference: func(x []*torch.Tensor) *torch.Tensor { return layerNorm(x[0].Add(x[1]), x[2], x[3]) },
		},
		{
			name:   "RMS norm of a sum",
			shapes: [][]int64{square, square, out},
			ours: func(x []*torch.Tensor) *torch.Tensor {
				sum, normed := torch.AddRMSNorm(x[0], x[1], x[2], 1e-6)
				return sum.Mul(normed)
			},
			reference: func(x []*torch.Tensor) *torch.Tensor {
				sum := x[0].Add(x[1])
				normed := sum.Mul(sum.PowScalar(2).MeanDim(true, -1).AddScalar(1e-6).Rsqrt()).Mul(x[2])
				return sum.Mul(normed)
			},
		},
		{
			name:      "packed attention",
			shapes:    [][]int64{{tokens, 3, heads, width / heads}},
			ours:      func(x []*torch.Tensor) *torch.Tensor { return packedAttention(x[0], nil) },
			reference: func(x []*torch.Tensor) *torch.Tensor { return attention(x[0], nil) },
		},
		{
			name:      "packed attention with a bias",
			shapes:    [][]int64{{tokens, 3, heads, width / heads}, {2*tokens + 1, heads}},
			ours:      func(x []*torch.Tensor) *torch.Tensor { return packedAttention(x[0], x[1]) },
			reference: func(x []*torch.Tensor) *torch.Tensor { return attention(x[0], x[1]) },
		},
		{
			name:   "linear cross-entropy",
			shapes: [][]int64{square, {classes, width}},
			ours: func(x []*torch.Tensor) *torch.Tensor {
				return torch.LinearCrossEntropy(x[0], x[1].Detach(), targets(x[0]), torch.ReduceMean)
			},
			reference: func(x []*torch.Tensor) *torch.Tensor {
				return negativeLogLikelihood(torch.Linear(x[0], x[1].Detach(), nil))
			},
		},
		{
			name:     "cross-entropy",
			onlyCUDA: true,
			shapes:   [][]int64{{tokens, classes}},
			ours: func(x []*torch.Tensor) *torch.Tensor {
				return torch.CrossEntropy(x[0], targets(x[0]), nil, torch.ReduceMean)
			},
			reference: func(x []*torch.Tensor) *torch.Tensor { return negativeLogLikelihood(x[0]) },
		},
	}
}

func layerNorm(x, weight, bias *torch.Tensor) *torch.Tensor {
	centred := x.Sub(x.MeanDim(true, -1))
	return centred.Mul(centred.PowScalar(2).MeanDim(true, -1).AddScalar(1e-5).Rsqrt()).Mul(weight).Add(bias)
}

func packedAttention(qkv, bias *torch.Tensor) *torch.Tensor {
	o := torch.PackedAttentionOptions{BiasOffset: tokens}
	if bias != nil {
		o.Bias = bias.ToDType(torch.Float32)
	}
	return torch.PackedSelfAttention(qkv, offsets, o)
}

// attention is softmax(q k^T / sqrt(dim) + bias) v, a sequence at a time.
func attention(qkv, bias *torch.Tensor) *torch.Tensor {
	var rows []*torch.Tensor
	for i, begin := range offsets[:len(offsets)-1] {
		n := offsets[i+1] - begin
		part := func(which int64) *torch.Tensor { return qkv.Select(1, which).Narrow(0, begin, n).Transpose(0, 1) }
		scores := part(0).MatMul(part(1).Transpose(1, 2)).MulScalar(1 / math.Sqrt(float64(width/heads)))
		if bias != nil {
			var distances []int64
			for at := range n * n {
				distances = append(distances, at%n-at/n+tokens)
			}
			index := torch.FromSlice(qkv.Scope(), distances, n*n).ToDevice(qkv.Device())
			scores = scores.Add(bias.IndexSelect(0, index).Reshape(n, n, heads).Permute(2, 0, 1))
		}
		rows = append(rows, scores.Softmax(-1).MatMul(part(2)).Transpose(0, 1).Reshape(n, width))
	}
	return torch.Cat(0, rows...)
}

// targets are classes, one a row of x.
func targets(x *torch.Tensor) *torch.Tensor {
	ids := make([]int64, tokens)
	for i := range ids {
		ids[i] = int64(i*i) % classes
	}
	return torch.FromSlice(x.Scope(), ids, tokens).ToDevice(x.Device())
}

func negativeLogLikelihood(logits *torch.Tensor) *torch.Tensor {
	return logits.LogSoftmax(-1).Gather(-1, targets(logits).Unsqueeze(-1)).Mean().Neg()
}

// check holds results and gradients to the reference's in float64, and times
// to the reference's in the same dtype.
func (o operation) check(device torch.Device, dtype torch.DType, bound float64) Kernel {
	s := torch.NewScope()
	defer s.Close()
	leaves := func(dtype torch.DType) []*torch.Tensor {
		var list []*torch.Tensor
		for i, shape := range o.shapes {
			// Rounded alike in every dtype.
			x := torch.Normal(s, 0, 0.3, uint64(i+1), torch.Float32, shape...).ToDType(torch.BFloat16)
			list = append(list, x.To(dtype, device).Detach().SetRequiresGrad(true))
		}
		return list
	}
	run := func(f func([]*torch.Tensor) *torch.Tensor, x []*torch.Tensor) []*torch.Tensor {
		y := f(x)
		y.BackwardWith(torch.Normal(s, 0, 1, 99, torch.Float32, y.Shape()...).ToDType(torch.BFloat16).To(y.DType(), device))
		results := []*torch.Tensor{y}
		for _, leaf := range x {
			if gradient := leaf.Grad(s); gradient != nil {
				results = append(results, gradient)
			}
		}
		torch.ZeroGrad(x...)
		return results
	}
	mine, wide := leaves(dtype), leaves(torch.Float64)
	k := Kernel{Name: fmt.Sprintf("%s, %v", o.name, dtype), Device: device.String(), Bound: bound}
	k.MaxError = largestError(run(o.ours, mine), run(o.reference, wide))
	k.Seconds, k.Ratio = compareTimes(device, func() { run(o.ours, mine) }, func() { run(o.reference, mine) })
	k.OK = k.MaxError <= k.Bound
	return k
}

// largestError is the largest difference over the largest magnitude, of any
// tensor; NaN where one is missing or not finite.
func largestError(got, want []*torch.Tensor) float64 {
	if len(got) != len(want) {
		return math.NaN()
	}
	worst := 0.0
	for i, w := range want {
		e := got[i].ToDType(torch.Float64).Sub(w.ToDType(torch.Float64)).Abs().Max().Item() / w.Abs().Max().Item()
		if !(e <= worst) { // NaN stays
			worst = e
		}
	}
	return worst
}

// checkAdamW holds three steps on float32 parameters, with a weight of which
// some entries are tuned, to the same steps in float64, which libtorch makes.
func checkAdamW(device torch.Device) Kernel {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	const n, every = 1 << 18, 4
	draw := func(seed uint64, dtype torch.DType) *torch.Tensor {
		return torch.Normal(s, 0, 1, seed, torch.Float32, n).To(dtype, device)
	}
	positions := make([]int64, n)
	for i := range positions {
		positions[i] = int64(i) * every
	}
	index := torch.FromSlice(s, positions, n).ToDevice(device)
	type tuned struct {
		param torch.AdamWParam
		step  int64
	}
	make := func(dtype torch.DType) *tuned {
		zeros := draw(1, dtype).MulScalar(0)
		leaf := draw(1, dtype).Detach().SetRequiresGrad(true)
		graph := torch.NewScope()
		defer graph.Close()
		leaf.In(graph).Mul(draw(2, dtype).In(graph)).Sum().Backward()
		weight := torch.Zeros(s, torch.Float32, n*every).To(dtype, device)
		return &tuned{param: torch.AdamWParam{
			Leaf: leaf, Master: leaf, ExpAvg: zeros.Clone(), ExpAvgSq: zeros.Clone(),
			Weight: weight, Index: index, WeightDecay: 0.01,
		}}
	}
	advance := func(t *tuned) {
		t.step++
		torch.AdamW([]torch.AdamWParam{t.param}, torch.AdamWOptions{
			LR: 1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, MaxNorm: 1, Step: t.step,
		})
	}
	mine, wide := make(torch.Float32), make(torch.Float64)
	for range 3 {
		advance(mine)
		advance(wide)
	}
	k := Kernel{Name: "AdamW on tuned entries", Device: device.String(), Bound: 1e-5}
	results := func(t *tuned) []*torch.Tensor {
		return []*torch.Tensor{t.param.Master.Detach(), t.param.ExpAvg, t.param.ExpAvgSq, t.param.Weight}
	}
	k.MaxError = largestError(results(mine), results(wide))
	k.OK = k.MaxError <= k.Bound
	k.Seconds, k.Ratio = compareTimes(device, func() { advance(mine) }, func() { advance(wide) })
	return k
}
