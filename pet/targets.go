package pet

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/gopet-ml/gopet/torch/nn"
)

// AllLinear names the weights of attention and feed-forward linear layers; it
// is what APET may tune unless told otherwise.
const AllLinear = "all-linear"

// Targets lists the base parameters that a target expression names, in the
// model's order: "all-linear" is the weights of attention and feed-forward
// linear layers, "qv" those of the queries and values of self-attention, "all"
// every parameter but the head's, and anything else is a regular expression
// that must match a whole name.
func Targets(m Model, expression string) ([]*nn.Parameter, error) {
	wanted, err := targetFilter(m.Registry(), expression)
	if err != nil {
		return nil, err
	}
	var list []*nn.Parameter
	for _, p := range m.Registry().Parameters() {
		if wanted(p) && !slices.Contains(m.Head(), p) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("targets %q name none of the model's parameters (such as %q)", expression, m.Registry().Parameters()[0].Name)
	}
	return list, nil
}

func targetFilter(r *nn.Registry, expression string) (func(*nn.Parameter) bool, error) {
	switch expression {
	case AllLinear:
		return weightsOf(r, func(role nn.Role) bool { return role != nn.RoleNone }), nil
	case "qv":
		return weightsOf(r, func(role nn.Role) bool { return role == nn.AttentionQuery || role == nn.AttentionValue }), nil
	case "all":
		return func(*nn.Parameter) bool { return true }, nil
	}
	pattern, err := regexp.Compile("^(?:" + expression + ")$")
	if err != nil {
		return nil, fmt.Errorf("targets %q: want all-linear, qv, all or a regular expression: %w", expression, err)
	}
	return func(p *nn.Parameter) bool { return pattern.MatchString(p.Name) }, nil
}

func weightsOf(r *nn.Registry, wanted func(nn.Role) bool) func(*nn.Parameter) bool {
	weights := map[*nn.Parameter]bool{}
	for _, l := range r.Linears() {
		if wanted(l.Role) {
			weights[l.Weight] = true
		}
	}
	return func(p *nn.Parameter) bool { return weights[p] }
}
