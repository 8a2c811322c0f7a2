package pet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ModulesIn lists those of a model's modules, in the model's order, that an
// adapter file holds a tensor of: the module's name and a suffix.
func ModulesIn[M any](tensors Tensors, suffix string, modules []M, name func(M) string) ([]M, error) {
	wanted := map[string]bool{}
	for _, tensor := range tensors.Names() {
		if module, ok := strings.CutSuffix(tensor, suffix); ok {
			wanted[module] = true
		}
	}
	if len(wanted) == 0 {
		return nil, fmt.Errorf("the adapter holds no tensor NAME%s", suffix)
	}
	var list []M
	for _, m := range modules {
		if wanted[name(m)] {
			list = append(list, m)
			delete(wanted, name(m))
		}
	}
	for _, module := range slices.Sorted(maps.Keys(wanted)) {
		return nil, fmt.Errorf("the adapter holds %q, and the model has no module %q", module+suffix, module)
	}
	return list, nil
}
