package nn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// fill sets every parameter to normal numbers.
func fill(reg *nn.Registry) {
	s := torch.NewScope()
	defer s.Close()
	for i, p := range reg.Parameters() {
		p.Tensor.CopyFrom(torch.Normal(s, 0, 0.5, uint64(i), torch.Float64, p.Tensor.Shape()...))
	}
}

func TestParametersKeepTheirNamesAndOrder(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.BFloat16, torch.CPU)
	defer reg.Close()
	layer := reg.Root().Sub("bert").Sub("encoder").Sub("layer").Index(3)
	embedding := nn.NewEmbedding(reg.Root().Sub("embeddings"), 7, 4)
	query := nn.NewLinear(layer.Sub("query"), 4, 6, true, nn.AttentionQuery)
	head := nn.NewLinear(reg.Root(), 4, 2, false, nn.RoleNone)
	norm := nn.NewLayerNorm(layer.Sub("LayerNorm"), 4, 1e-12)

	type row struct {
		Name  string
		Shape []int64
		DType string
	}
	var got []row
	for _, p := range reg.Parameters() {
		got = append(got, row{p.Name, p.Tensor.Shape(), p.Tensor.DType().String()})
		if p.Tensor.Scope() != nil {
			t.Errorf("%s belongs to a scope", p.Name)
		}
	}
	want := []row{
		{"embeddings.weight", []int64{7, 4}, "bfloat16"},
		{"bert.encoder.layer.3.query.weight", []int64{6, 4}, "bfloat16"},
		{"bert.encoder.layer.3.query.bias", []int64{6}, "bfloat16"},
		{"weight", []int64{2, 4}, "bfloat16"},
		{"bert.encoder.layer.3.LayerNorm.weight", []int64{4}, "float32"},
		{"bert.encoder.layer.3.LayerNorm.bias", []int64{4}, "float32"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if linears := reg.Linears(); len(linears) != 2 || linears[0] != query || linears[1] != head {
		t.Error("the linear layers are not listed in order")
	}
	if query.Role != nn.AttentionQuery || query.In != 4 || query.Out != 6 || query.Bias.NumEl() != 6 {
		t.Errorf("query is %+v", query)
	}
	if head.Bias != nil || head.BiasTensor() != nil {
		t.Error("a layer without bias has one")
	}
	if e := reg.Embeddings(); len(e) != 1 || e[0] != embedding {
		t.Error("the embedding is not listed")
	}
	if n := reg.LayerNorms(); len(n) != 1 || n[0] != norm {
		t.Error("the norm is not listed")
	}
	if p, ok := reg.Lookup("bert.encoder.layer.3.query.bias"); !ok || p != query.Bias {
		t.Error("Lookup does not find a parameter by its name")
	}
	if _, ok := reg.Lookup("bert.encoder.layer.3.query"); ok {
		t.Error("Lookup finds a prefix")
	}
	if got := layer.String(); got != "bert.encoder.layer.3" {
		t.Errorf("path %q", got)
	}
}

func TestDeclaringANameTwicePanics(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	nn.NewEmbedding(reg.Root().Sub("a"), 2, 2)
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, "a.weight") {
			t.Errorf("panic %q does not name the parameter", said)
		}
	}()
	nn.NewLinear(reg.Root().Sub("a"), 2, 2, false, nn.RoleNone)
}

func TestLayersForward(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float64, torch.CPU)
	defer reg.Close()
	embedding := nn.NewEmbedding(reg.Root().Sub("embedding"), 7, 4)
	linear := nn.NewLinear(reg.Root().Sub("linear"), 4, 3, true, nn.FeedForward)
	norm := nn.NewLayerNorm(reg.Root().Sub("norm"), 3, 1e-5)
	fill(reg)
	s := torch.NewScope()
	defer s.Close()
	x := embedding.Forward(torch.FromSlice(s, []int64{6, 0}, 1, 2))
	y := linear.Forward(x)
	z := norm.Forward(y)
	if diff := cmp.Diff([]int64{1, 2, 3}, z.Shape()); diff != "" {
		t.Fatal(diff)
	}
	weight, bias, table := linear.Weight.Tensor.Float64s(), linear.Bias.Tensor.Float64s(), embedding.Weight.Tensor.Float64s()
	scale, shift := norm.Weight.Tensor.Float64s(), norm.Bias.Tensor.Float64s()
	gotY, gotZ := y.Float64s(), z.Float64s()
	for i, id := range []int{6, 0} {
		row := make([]float64, 3)
		mean, variance := 0.0, 0.0
		for o := range row {
			row[o] = bias[o]
			for c := range 4 {
				row[o] += table[id*4+c] * weight[o*4+c]
			}
			near(t, "linear", gotY[i*3+o], row[o])
			mean += row[o] / 3
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / 3
		}
		for o, v := range row {
			near(t, "norm", gotZ[i*3+o], (v-mean)/math.Sqrt(variance+1e-5)*scale[o]+shift[o])
		}
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestOverrideComputesTheLayer(t *testing.T) {
	torchtest.NoLeaks(t)
	reg := nn.NewRegistry(torch.Float32, torch.CPU)
	defer reg.Close()
	linear := nn.NewLinear(reg.Root().Sub("l"), 2, 2, true, nn.RoleNone)
	norm := nn.NewLayerNorm(reg.Root().Sub("n"), 2, 1e-5)
	embedding := nn.NewEmbedding(reg.Root().Sub("e"), 2, 2)
	s := torch.NewScope()
	defer s.Close()
	x := torch.Ones(s, torch.Float32, 2)
	same := func(x *torch.Tensor) *torch.Tensor { return x }
	linear.Override, norm.Override, embedding.Override = same, same, same
	if linear.Forward(x) != x || norm.Forward(x) != x || embedding.Forward(x) != x {
		t.Error("an override was not asked")
	}
}

func TestDropoutIsOffOutsideTraining(t *testing.T) {
	torchtest.NoLeaks(t)
	s := torch.NewScope()
	defer s.Close()
	x := torch.Ones(s, torch.Float32, 1000)
	if (nn.Dropout{P: 0.5}).Forward(x, false) != x || (nn.Dropout{}).Forward(x, true) != x {
		t.Error("dropout changed what it must pass through")
	}
	if zeros := (nn.Dropout{P: 0.5}).Forward(x, true).EqScalar(0).ToDType(torch.Int64).Sum().Item(); zeros < 400 || zeros > 600 {
		t.Errorf("dropped %v of 1000 at p 0.5", zeros)
	}
}

// TestAttention holds the layer to attention written out in plain loops.
func TestAttention(t *testing.T) {
	torchtest.NoLeaks(t)
	const heads, width = 3, 4
	const dim = heads * width
	reg := nn.NewRegistry(torch.Float64, torch.CPU)
	defer reg.Close()
	root := reg.Root().Sub("self")
	attention := &nn.Attention{
		Query: nn.NewLinear(root.Sub("query"), dim, dim, true, nn.AttentionQuery),
		Key:   nn.NewLinear(root.Sub("key"), dim, dim, true, nn.AttentionKey),
		Value: nn.NewLinear(root.Sub("value"), dim, dim, true, nn.AttentionValue),
		Heads: heads,
	}
	fill(reg)
	s := torch.NewScope()
	defer s.Close()
	offsets := []int{0, 5, 8}
	x := torch.Normal(s, 0, 1, 99, torch.Float64, 8, dim)
	q, k, v := project(attention.Query, x), project(attention.Key, x), project(attention.Value, x)
	holds := func(got *torch.Tensor) {
		t.Helper()
		if diff := cmp.Diff([]int64{8, dim}, got.Shape()); diff != "" {
			t.Fatal(diff)
		}
		out := got.Float64s()
		for b := range 2 {
			for h := range heads {
				for i := offsets[b]; i < offsets[b+1]; i++ {
					at := func(t int) int { return t*dim + h*width }
					weights, total := make([]float64, 8), 0.0
					for j := offsets[b]; j < offsets[b+1]; j++ {
						score := 0.0
						for c := range width {
							score += q[at(i)+c] * k[at(j)+c]
						}
						weights[j] = math.Exp(score / math.Sqrt(width))
						total += weights[j]
					}
					for c := range width {
						want := 0.0
						for j, weight := range weights {
							want += weight / total * v[at(j)+c]
						}
						near(t, "attention", out[at(i)+c], want)
					}
				}
			}
		}
	}
	begin := []int64{0, 5, 8}
	holds(attention.Forward(x, begin, nn.PositionBias{}, false))
	attention.Key.Override = func(x *torch.Tensor) *torch.Tensor {
		return torch.Linear(x, attention.Key.Weight.Tensor, attention.Key.BiasTensor())
	}
	holds(attention.Forward(x, begin, nn.PositionBias{}, false))
}

// project is x W^T + b in plain loops.
func project(l *nn.Linear, x *torch.Tensor) []float64 {
	in, w, b := x.Float64s(), l.Weight.Tensor.Float64s(), l.Bias.Tensor.Float64s()
	rows := len(in) / int(l.In)
	out := make([]float64, rows*int(l.Out))
	for r := range rows {
		for o := range int(l.Out) {
			sum := b[o]
			for c := range int(l.In) {
				sum += in[r*int(l.In)+c] * w[o*int(l.In)+c]
			}
			out[r*int(l.Out)+o] = sum
		}
	}
	return out
}
