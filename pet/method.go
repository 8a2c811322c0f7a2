package pet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
	"github.com/gopet-ml/gopet/torch/optim"
)

// Model is what a method needs to know of a model.
type Model interface {
	// Registry lists the model's layers and parameters.
	Registry() *nn.Registry
	// Head lists the parameters of the task's head; empty where there is none.
	Head() []*nn.Parameter
}

// Options are what a user may ask of a method. A method ignores what does not
// concern it.
type Options struct {
	K       int64  // entries to tune: APET
	Block   int64  // length of a contiguous run; 0: one run a tensor: apet-adjacent
	Targets string // which tensors: "all-linear", "qv", "all", or a regular expression; "": the method's
	Seed    uint64 // of whatever the method draws

	Rank       int64   // of each pair of matrices; 0: 8: lora
	Alpha      float64 // the update is scaled by Alpha/Rank; 0: 16: lora
	Prompt     int64   // number of vectors; 0: 100: prompt
	Bottleneck int64   // width of the bottleneck; 0: 24: adapter
	Placement  string  // paper, houlsby or pfeiffer; "": paper: adapter
	Init       string  // zero or paper; "": the method's own
}

// Method tunes a model in its own way. It holds no state.
type Method interface {
	// Name is what --method takes.
	Name() string
	// Summary says in one line what is tuned.
	Summary() string
	// LearningRate is the peak rate used when none is given, for a number of
	// tuned parameters.
	LearningRate(tuned int64) float64
	// Dropout is the probability used when none is given; negative: the
	// model's own.
	Dropout() float64
	// Count is the number of parameters that Attach would tune, found from
	// the model's shapes alone: the model may be one of models.Declare.
	Count(m Model, o Options) (int64, error)
	// Attach prepares a model whose parameters are all frozen.
	Attach(m Model, o Options) (Tuning, error)
	// Restore attaches what Save of a Tuning wrote, with its values.
	Restore(m Model, config json.RawMessage, tensors Tensors) (Tuning, error)
}

// Tuning is a method attached to a model.
type Tuning interface {
	// Params lists what the optimizer updates, in a fixed order.
	Params() []optim.Param
	// Count is the number of tuned parameters.
	Count() int64
	// Config is what Restore needs besides tensors; it becomes JSON.
	Config() any
	// Save lists the tensors of an adapter file, as members of s.
	Save(s *torch.Scope) []NamedTensor
	// Load replaces the tuned values by those of an adapter file that Save
	// of the same tuning wrote.
	Load(tensors Tensors) error
	// Detach undoes Attach: the model computes what it did before, with
	// every base weight's bits restored, and the tuning's memory is freed.
	// Full tuning has no base left to restore and keeps its values; after
	// Merge, Detach does no better than Unmerge.
	Detach()
}

// Merger is a Tuning that can be folded into the base weights, so that the
// model computes the same, and can be saved, without it.
type Merger interface {
	Tuning
	// Merge puts what was learned into the base weights and takes the hooks
	// away. After it the tuning is only for Unmerge and Detach. Merging twice
	// is harmless.
	Merge() error
	// Unmerge takes it out of the weights again: the model is the base.
	Unmerge() error
	// Exact reports whether Unmerge restores every bit of the base, or brings
	// it back within rounding only.
	Exact() bool
}

// NamedTensor is a tensor of an adapter file.
type NamedTensor struct {
	Name   string
	Tensor *torch.Tensor
}

// Tensors reads the tensors of an adapter file.
type Tensors interface {
	// Names lists them.
	Names() []string
	// Read returns one as a tensor of s on the CPU.
	Read(s *torch.Scope, name string) (*torch.Tensor, error)
}

var (
	mu      sync.RWMutex
	methods []Method
)

// Register adds a method. A name taken twice is a mistake of the program and
// panics.
func Register(m Method) {
	mu.Lock()
	defer mu.Unlock()
	if slices.ContainsFunc(methods, func(o Method) bool { return o.Name() == m.Name() }) {
		panic(fmt.Sprintf("pet: method %q registered twice", m.Name()))
	}
	methods = append(methods, m)
}

// Methods lists the registered methods by name.
func Methods() []Method {
	mu.RLock()
	defer mu.RUnlock()
	list := slices.Clone(methods)
	slices.SortFunc(list, func(a, b Method) int { return cmp.Compare(a.Name(), b.Name()) })
	return list
}

// Lookup finds a method; the error for an unknown name tells the nearest.
func Lookup(name string) (Method, error) {
	var names []string
	for _, m := range Methods() {
		if m.Name() == name {
			return m, nil
		}
		names = append(names, m.Name())
	}
	return nil, fmt.Errorf("unknown method %q; %s", name, nearest.Hint(name, names))
}
