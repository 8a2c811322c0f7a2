package pet

import (
	"fmt"
	"strconv"
	"strings"
)

// Budget is how many entries APET may tune: a number as it stands, or for the
// name of a method the number of parameters that it would tune with options o,
// so that methods compare at equal cost.
func Budget(params string, m Model, o Options) (int64, error) {
	k, err := strconv.ParseInt(params, 10, 64)
	if err == nil {
		if k < 0 {
			return 0, fmt.Errorf("params %d: want 0 or more", k)
		}
		return k, nil
	}
	method, err := Lookup(params)
	if err != nil {
		return 0, fmt.Errorf("params %q: want a number or a method: %w", params, err)
	}
	if strings.HasPrefix(params, "apet-") {
		return 0, fmt.Errorf("params %q: it has no number of its own: give one, or another method", params)
	}
	o.Targets = "" // they are APET's, not the other method's
	return method.Count(m, o)
}
