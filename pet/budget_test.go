package pet_test

import (
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

func TestBudgetsAreNumbersOrMethods(t *testing.T) {
	torchtest.NoLeaks(t)
	m := pettest.Load(t, pettest.BERT, torch.Float32)
	var all int64
	for _, p := range m.Base() {
		all += p.NumEl()
	}
	for params, want := range map[string]int64{"0": 0, "4096": 4096, "full": all} {
		if got, err := pet.Budget(params, m, pet.Options{Targets: "qv"}); err != nil || got != want {
			t.Errorf("%s: %d (%v), want %d", params, got, err, want)
		}
	}
	queries, err := pet.Targets(m, "qv")
	if err != nil {
		t.Fatal(err)
	}
	eligible := pet.CountEntries(pet.Stored(queries))
	for params, want := range map[string]int64{"0%": 0, "25%": eligible / 4, "100%": eligible} {
		if got, err := pet.Budget(params, m, pet.Options{Targets: "qv"}); err != nil || got != want {
			t.Errorf("%s: %d (%v), want %d", params, got, err, want)
		}
	}
	for params, want := range map[string]string{
		"-1": "want 0 or more", "ful": `did you mean "full"?`, "apet-adjacent": "no number of its own", "": "want a number, a share",
		"101%": "0% to 100%", "x%": "0% to 100%", "NaN%": "0% to 100%",
	} {
		if _, err := pet.Budget(params, m, pet.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", params, err, want)
		}
	}
}
