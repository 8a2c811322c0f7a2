package plan

import (
	"math"
	"strings"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/adapter"
	"github.com/gopet-ml/gopet/pet/prompt"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/torch/nn"
)

// tuned says what of a model learns.
type tuned struct {
	whole       map[*nn.Parameter]bool    // the model's own, the head's included
	masked      map[*nn.Parameter]float64 // about how many entries of each APET tunes
	ranks       map[*nn.Linear]int64      // of low-rank updates
	biases      map[*nn.Linear]bool       // that are added
	normBiases  map[*nn.LayerNorm]bool    // that are added
	bottlenecks map[*nn.Sublayer]int64    // their widths
	placement   string                    // of the bottlenecks
	prompt      int64                     // vectors
	added       int64                     // entries that are not the model's own
	keepsBase   bool                      // what whole ones held before is kept
}

// tunedBy asks the method itself, by attaching it to the declared model. Where
// masks and prompts lie takes values to tell, so these are reckoned.
func tunedBy(m models.Model, method pet.Method, o pet.Options) (*tuned, error) {
	t := &tuned{
		whole: map[*nn.Parameter]bool{}, masked: map[*nn.Parameter]float64{}, ranks: map[*nn.Linear]int64{},
		biases: map[*nn.Linear]bool{}, normBiases: map[*nn.LayerNorm]bool{}, bottlenecks: map[*nn.Sublayer]int64{},
	}
	count, err := method.Count(m, o)
	if err != nil {
		return nil, err
	}
	for _, p := range m.Head() {
		t.whole[p] = true
	}
	switch method.Name() {
	case "apet-discrete", "apet-adjacent":
		t.added = count
		return t, t.spread(m, o)
	case "prompt":
		t.added, t.prompt = count, o.Prompt
		if o.Prompt == 0 {
			t.prompt = prompt.DefaultLength
		}
		return t, nil
	}
	return t, t.attach(m, method, o)
}

// spread divides a mask's entries among its tensors as their sizes are, which
// is what a uniform choice comes to.
func (t *tuned) spread(m models.Model, o pet.Options) error {
	targets := o.Targets
	if targets == "" {
		targets = pet.AllLinear
	}
	parameters, err := pet.Targets(m, targets)
	if err != nil {
		return err
	}
	total := float64(numEl(parameters))
	for _, p := range parameters {
		if entries := float64(o.K) * float64(p.NumEl()) / total; entries >= 0.5 {
			t.masked[p] = entries
		}
	}
	return nil
}

func (t *tuned) attach(m models.Model, method pet.Method, o pet.Options) error {
	attached, err := pet.Attach(m, method, o, true)
	if err != nil {
		return err
	}
	return torch.Try(func() {
		defer attached.Detach()
		s := torch.NewScope(torch.NoGrad())
		defer s.Close()
		for _, p := range m.Registry().Parameters() {
			if p.Tensor.RequiresGrad() {
				t.whole[p] = true
			}
		}
		t.keepsBase = method.Name() != "full"
		t.readHooks(m.Registry(), s)
		t.placement = o.Placement
		t.readBottlenecks(m.Registry(), attached)
		t.added = attached.Count() - t.ownCount(m)
	})
}

// readHooks lets every hook say what it adds to its layer.
func (t *tuned) readHooks(r *nn.Registry, s *torch.Scope) {
	for _, l := range r.Linears() {
		if l.Tune == nil {
			continue
		}
		var term torch.LinearTerm
		l.Tune(&term, torch.EmptyOn(s, r.Device(), r.DType(), 1, l.In))
		if term.A != nil {
			t.ranks[l] = term.A.Dim(0)
		}
		t.biases[l] = term.Bias != nil
	}
	for _, l := range r.LayerNorms() {
		t.normBiases[l] = l.Tune != nil
	}
}

func (t *tuned) readBottlenecks(r *nn.Registry, attached *pet.Attached) {
	widths := map[string]int64{}
	for _, p := range attached.Params() {
		if name, ok := strings.CutSuffix(p.Name, adapter.SuffixDown); ok {
			widths[name] = p.Leaf.Dim(0)
		}
	}
	for _, s := range r.Sublayers() {
		if width := widths[s.Name]; width > 0 {
			t.bottlenecks[s] = width
		}
	}
}

// ownCount is how many entries of the model's own learn, the head's left out.
func (t *tuned) ownCount(m models.Model) int64 {
	n := -numEl(m.Head())
	for p := range t.whole {
		n += p.NumEl()
	}
	return n
}

// entries are those of a parameter's mask.
func (t *tuned) entries(p *nn.Parameter) float64 { return math.Round(t.masked[p]) }
