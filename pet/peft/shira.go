package peft

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet/apet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// SHiRA (Bhardwaj et al., 2024, "Sparse High Rank Adapters") adds r(in+out)
// entries at fixed places to the weight of every linear layer that it tunes.
// APET tunes any number of entries anywhere, so an export takes the least r that
// has room and fills each tensor up with zeros at places that are not tuned.

const (
	shiraWeight  = "shira_weight"  // float32 [n]: what is added to the entries
	shiraIndices = "shira_indices" // int32 [2, n]: their rows, and their columns
)

// apetMethods are the methods whose adapters hold a mask and its values.
var apetMethods = []string{"apet-discrete", "apet-adjacent"}

// shiraConfig is peft's ShiraConfig.
type shiraConfig struct {
	commonConfig
	targetConfig
	R        int64  `json:"r"`
	MaskType string `json:"mask_type"`
}

// shiraFields are the fields of peft's ShiraConfig, and what import makes of them.
var shiraFields = fields{
	"r": anything,
	// What the places and values were drawn from; both are in the file.
	"mask_type": anything, "random_seed": anything, "init_weights": anything,
}.with(selectionFields)

// entries are the tuned entries of one linear layer's weight.
type entries struct {
	linear    *nn.Linear
	positions []int64 // flat, ascending
	values    []float32
}

func exportSHiRA(t *tuned) (*directory, error) {
	list, err := t.entries()
	if err != nil {
		return nil, err
	}
	r, err := shiraRank(list)
	if err != nil {
		return nil, err
	}
	d := t.peftDirectory(injectedPrefix)
	d.origin.Mask = &mask{Method: t.config.Method, Config: t.config.Config, Entries: map[string]int64{}}
	var targets []string
	for _, e := range list {
		base, err := valuesAt(e.linear.Weight, e.positions)
		if err != nil {
			return nil, err
		}
		n := r * (e.linear.In + e.linear.Out)
		delta := make([]float32, n)
		for i, value := range e.values {
			delta[i] = value - base[i]
		}
		module := t.outer(e.linear.Name)
		d.files[peftModelFile].add(
			floatTensor(injectedPrefix+module+"."+shiraWeight, delta, n),
			indexTensor(injectedPrefix+module+"."+shiraIndices, pad(e.positions, n), e.linear.In))
		d.origin.Mask.Entries[module] = int64(len(e.positions))
		targets = append(targets, e.linear.Name)
	}
	d.configs[peftConfigFile] = shiraConfig{t.commonConfig("SHIRA"), targetConfig{t.targets(targets)}, r, "random"}
	return d, nil
}

// entries lists the mask of an APET adapter, layer by layer.
func (t *tuned) entries() ([]entries, error) {
	var list []entries
	for _, name := range t.tensors.Names() {
		parameter, ok := strings.CutSuffix(name, apet.IndexSuffix)
		if !ok {
			continue
		}
		linear, ok := t.linears[strings.TrimSuffix(parameter, ".weight")]
		if !ok || linear.Weight.Name != parameter {
			return nil, fmt.Errorf("it tunes entries of %q, and SHiRA those of linear layers' weights alone", parameter)
		}
		positions, err := apet.DecodePositions(t.tensors[name].Data, linear.Weight.NumEl())
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		list = append(list, entries{linear, positions, float32s(t.tensors[parameter+apet.ValuesSuffix])})
	}
	if len(list) == 0 {
		return nil, errors.New("it tunes no entries of the base, and SHiRA needs some")
	}
	return list, nil
}

// shiraRank is the least r with room for the entries of every layer.
func shiraRank(list []entries) (int64, error) {
	var r int64
	var fullest *nn.Linear
	for _, e := range list {
		width := e.linear.In + e.linear.Out
		if need := (int64(len(e.positions)) + width - 1) / width; need > r {
			r, fullest = need, e.linear
		}
	}
	for _, e := range list {
		l := e.linear
		if n := r * (l.In + l.Out); n > l.In*l.Out {
			return 0, fmt.Errorf("the entries of %q need SHiRA of r = %d, which is %d entries of %q, and that has only %d (%d x %d)",
				fullest.Weight.Name, r, n, l.Weight.Name, l.In*l.Out, l.Out, l.In)
		}
		if l.In > math.MaxInt32 || l.Out > math.MaxInt32 {
			return 0, fmt.Errorf("%q is %d x %d, and SHiRA's indices are int32", l.Weight.Name, l.Out, l.In)
		}
	}
	return r, nil
}

// pad appends the first positions that are not in the list, up to n in all.
func pad(positions []int64, n int64) []int64 {
	padded := slices.Clone(positions)
	next := positions
	for at := int64(0); int64(len(padded)) < n; at++ {
		if len(next) > 0 && next[0] == at {
			next = next[1:]
		} else {
			padded = append(padded, at)
		}
	}
	return padded
}

// indexTensor is the rows, then the columns, of positions in a matrix.
func indexTensor(name string, positions []int64, columns int64) checkpoint.Tensor {
	n := int64(len(positions))
	t := checkpoint.Tensor{Name: name, DType: checkpoint.Int32, Shape: []int64{2, n}}
	for _, at := range positions {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(at/columns))
	}
	for _, at := range positions {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(at%columns))
	}
	return t
}

// valuesAt reads the base's values at positions.
func valuesAt(p *nn.Parameter, positions []int64) (values []float32, err error) {
	err = torch.Try(func() {
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		index := torch.FromSlice(s, positions, int64(len(positions)))
		values = p.Tensor.In(s).Take(index).ToDType(torch.Float32).Float32s()
	})
	return values, err
}

// importSHiRA makes a mask of a SHIRA adapter. All its entries are tuned, zeros
// included, but those that gopet's own export added.
func importSHiRA(f *peftAdapter, b *base) (*restorable, error) {
	var config shiraConfig
	if err := f.decode(&config, shiraFields); err != nil {
		return nil, err
	}
	layers, err := f.layers(b, shiraWeight, shiraIndices)
	if err != nil {
		return nil, err
	}
	result := &restorable{method: "apet-discrete", tensors: tensors{}}
	var k int64
	for _, layer := range layers {
		e, err := f.shiraEntries(b.linears[layer.name], layer.outer, config.R)
		if err != nil {
			return nil, err
		}
		values, err := valuesAt(e.linear.Weight, e.positions)
		if err != nil {
			return nil, err
		}
		for i := range values {
			values[i] += e.values[i]
		}
		code, name := apet.EncodePositions(e.positions), e.linear.Weight.Name
		result.tensors.add(
			checkpoint.Tensor{Name: name + apet.IndexSuffix, DType: checkpoint.Uint8, Shape: []int64{int64(len(code))}, Data: code},
			floatTensor(name+apet.ValuesSuffix, values, int64(len(values))))
		k += int64(len(values))
	}
	result.config, err = json.Marshal(apet.Config{K: k})
	if f.origin != nil && f.origin.Mask != nil {
		result.method, result.config = f.origin.Mask.Method, f.origin.Mask.Config
		if !slices.Contains(apetMethods, result.method) {
			return nil, fmt.Errorf("metadata %q: a mask of method %q", originKey, result.method)
		}
	}
	return result, err
}

// shiraEntries reads the entries of one layer: positions ascending, and what is
// added to the base there.
func (f *peftAdapter) shiraEntries(l *nn.Linear, module string, r int64) (entries, error) {
	weight, indices := f.tensors[module+"."+shiraWeight], f.tensors[module+"."+shiraIndices]
	if most := l.In * l.Out / (l.In + l.Out); r < 1 || r > most {
		return entries{}, fmt.Errorf("r = %d: SHiRA of %q has 1 to %d", r, l.Name, most)
	}
	n := r * (l.In + l.Out)
	if !slices.Equal(weight.Shape, []int64{n}) || !slices.Equal(indices.Shape, []int64{2, n}) {
		return entries{}, fmt.Errorf("tensors of %q have shapes %v and %v: with r = %d SHiRA has [%d] and [2 %[5]d]",
			l.Name, weight.Shape, indices.Shape, r, n)
	}
	if f.origin != nil && f.origin.Mask != nil {
		tuned := f.origin.Mask.Entries[module]
		if tuned < 1 || tuned > n {
			return entries{}, fmt.Errorf("metadata %q: %d of the %d entries of %q are tuned", originKey, tuned, n, l.Name)
		}
		n = tuned
	}
	places, err := integers(indices)
	if err != nil {
		return entries{}, err
	}
	return sortEntries(l, float32s(weight), places, n)
}

// sortEntries orders the first n entries by their position.
func sortEntries(l *nn.Linear, deltas []float32, indices []int64, n int64) (entries, error) {
	rows, columns := indices[:len(deltas)], indices[len(deltas):]
	order := make([]int, n)
	positions := make([]int64, n)
	for i := range order {
		order[i] = i
		if rows[i] < 0 || rows[i] >= l.Out || columns[i] < 0 || columns[i] >= l.In {
			return entries{}, fmt.Errorf("entry %d of %q lies at (%d, %d), outside %d x %d", i, l.Name, rows[i], columns[i], l.Out, l.In)
		}
		positions[i] = rows[i]*l.In + columns[i]
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(positions[a], positions[b]) })
	e := entries{linear: l}
	for i, at := range order {
		if i > 0 && positions[at] == e.positions[i-1] {
			return entries{}, fmt.Errorf("two entries of %q lie at (%d, %d)", l.Name, rows[at], columns[at])
		}
		e.positions = append(e.positions, positions[at])
		e.values = append(e.values, deltas[at])
	}
	return e, nil
}

// integers are the values of an integer tensor, or of the float32 one that peft
// writes on Windows.
func integers(t checkpoint.Tensor) ([]int64, error) {
	var values []int64
	switch t.DType {
	case checkpoint.Int32:
		for chunk := range slices.Chunk(t.Data, 4) {
			values = append(values, int64(int32(binary.LittleEndian.Uint32(chunk))))
		}
	case checkpoint.Int64:
		for chunk := range slices.Chunk(t.Data, 8) {
			values = append(values, int64(binary.LittleEndian.Uint64(chunk)))
		}
	case checkpoint.Float32:
		for _, v := range float32s(t) {
			if v != float32(int32(v)) {
				return nil, fmt.Errorf("tensor %q holds %g, no whole number", t.Name, v)
			}
			values = append(values, int64(v))
		}
	default:
		return nil, fmt.Errorf("tensor %q is %s, want I32", t.Name, t.DType)
	}
	return values, nil
}
