package pet

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Budget is how many entries APET may tune: a number as it stands, a share of
// what o.Targets name such as "0.2%", or for the name of a method the number of
// parameters that it would tune with options o, so that methods compare at
// equal cost.
func Budget(params string, m Model, o Options) (int64, error) {
	if percent, ok := strings.CutSuffix(params, "%"); ok {
		return share(percent, m, o.Targets)
	}
	k, err := strconv.ParseInt(params, 10, 64)
	if err == nil {
		if k < 0 {
			return 0, fmt.Errorf("params %d: want 0 or more", k)
		}
		return k, nil
	}
	method, err := Lookup(params)
	if err != nil {
		return 0, fmt.Errorf("params %q: want a number, a share such as 0.2%%, or a method: %w", params, err)
	}
	if strings.HasPrefix(params, "apet-") {
		return 0, fmt.Errorf("params %q: it has no number of its own: give one, or another method", params)
	}
	o.Targets = "" // they are APET's, not the other method's
	return method.Count(m, o)
}

// share is a percentage of the entries that targets name, rounded.
func share(percent string, m Model, targets string) (int64, error) {
	value, err := strconv.ParseFloat(percent, 64)
	if err != nil || !(value >= 0 && value <= 100) {
		return 0, fmt.Errorf("params %q: want a share of 0%% to 100%%", percent+"%")
	}
	eligible, err := Targets(m, cmp.Or(targets, AllLinear))
	if err != nil {
		return 0, err
	}
	return int64(math.Round(value / 100 * float64(CountEntries(Stored(eligible))))), nil
}
