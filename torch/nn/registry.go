package nn

import (
	"fmt"
	"strconv"

	"github.com/gopet-ml/gopet/torch"
)

// Registry lists what a model is made of, in the order of its declaration.
type Registry struct {
	parameters  []*Parameter
	byName      map[string]*Parameter
	linears     []*Linear
	embeddings  []*Embedding
	layerNorms  []*LayerNorm
	sublayers   []*Sublayer
	softPrompts []*SoftPrompt
	dtype       torch.DType
	device      torch.Device
}

// NewRegistry starts an empty list. Weights of linear layers and embeddings
// will have the dtype; norms keep float32 where it is a half precision.
func NewRegistry(dtype torch.DType, device torch.Device) *Registry {
	return &Registry{byName: map[string]*Parameter{}, dtype: dtype, device: device}
}

// DType is the storage type of the linear layers and embeddings.
func (r *Registry) DType() torch.DType { return r.dtype }

// Device is where the parameters are.
func (r *Registry) Device() torch.Device { return r.device }

// Parameters lists every parameter in order.
func (r *Registry) Parameters() []*Parameter { return r.parameters }

// Lookup finds a parameter by its name.
func (r *Registry) Lookup(name string) (*Parameter, bool) {
	p, ok := r.byName[name]
	return p, ok
}

// Linears lists every linear layer in order.
func (r *Registry) Linears() []*Linear { return r.linears }

// Embeddings lists every embedding table in order.
func (r *Registry) Embeddings() []*Embedding { return r.embeddings }

// LayerNorms lists every layer norm in order.
func (r *Registry) LayerNorms() []*LayerNorm { return r.layerNorms }

// Sublayers lists every block's end in order.
func (r *Registry) Sublayers() []*Sublayer { return r.sublayers }

// SoftPrompts lists every place of a prompt in order, the encoder's first.
func (r *Registry) SoftPrompts() []*SoftPrompt { return r.softPrompts }

// Close frees every parameter.
func (r *Registry) Close() {
	for _, p := range r.parameters {
		p.Tensor.Close()
	}
}

// Root is the path of names without a prefix.
func (r *Registry) Root() Path { return Path{registry: r} }

// Path is a prefix of parameter names, as a checkpoint nests them.
type Path struct {
	registry *Registry
	prefix   string
}

// Sub is the path of a child module.
func (p Path) Sub(name string) Path {
	return Path{registry: p.registry, prefix: p.join(name)}
}

// Index is the path of the i-th module of a list.
func (p Path) Index(i int) Path { return p.Sub(strconv.Itoa(i)) }

// String is the prefix itself.
func (p Path) String() string { return p.prefix }

func (p Path) join(name string) string {
	if p.prefix == "" || name == "" {
		return p.prefix + name
	}
	return p.prefix + "." + name
}

// Parameter declares a parameter of uninitialised memory in the registry's
// dtype. Declaring a name twice is a mistake of the model and panics.
func (p Path) Parameter(name string, shape ...int64) *Parameter {
	return p.parameter(name, p.registry.dtype, shape)
}

// NormParameter declares a parameter of a norm: never in half precision.
func (p Path) NormParameter(name string, shape ...int64) *Parameter {
	dtype := p.registry.dtype
	if dtype.Size() < torch.Float32.Size() {
		dtype = torch.Float32
	}
	return p.parameter(name, dtype, shape)
}

func (p Path) parameter(name string, dtype torch.DType, shape []int64) *Parameter {
	full := p.join(name)
	if _, taken := p.registry.byName[full]; taken {
		panic(fmt.Sprintf("nn: parameter %q declared twice", full))
	}
	parameter := &Parameter{Name: full, Tensor: torch.EmptyOn(nil, p.registry.device, dtype, shape...)}
	p.registry.byName[full] = parameter
	p.registry.parameters = append(p.registry.parameters, parameter)
	return parameter
}
