package pet_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
)

// variant is a method with options.
type variant struct {
	method string
	o      pet.Options
}

func (v variant) String() string { return fmt.Sprint(v.method, " ", v.o) }

// variants are what a small model can be tuned with: of each method the
// default, and what changes how it computes.
var variants = []variant{
	{"full", pet.Options{}},
	{"apet-discrete", pet.Options{K: 200, Targets: "all"}},
	{"apet-adjacent", pet.Options{K: 100}},
	{"apet-modules", pet.Options{K: 2600, Seed: 8}}, // with bottlenecks
	{"apet-modules", pet.Options{K: 300, Seed: 8}},  // which do not fit
	{"bitfit", pet.Options{}},
	{"lora", pet.Options{}},
	{"lora", pet.Options{Rank: 3, Alpha: 5, Targets: "all-linear"}},
	{"prompt", pet.Options{Prompt: 4}},
	{"prompt", pet.Options{Prompt: 4, Init: "normal"}},
	{"adapter", pet.Options{Bottleneck: 3}},
	{"adapter", pet.Options{Bottleneck: 3, Init: "zero"}},
	{"adapter", pet.Options{Bottleneck: 3, Init: "zero", Placement: "houlsby"}},
	{"adapter", pet.Options{Bottleneck: 3, Init: "zero", Placement: "pfeiffer"}},
}

// startsExactly reports whether the model computes what it did before a step.
func (v variant) startsExactly() bool {
	return v.method != "prompt" && (v.method != "adapter" || v.o.Init == "zero")
}

// eachVariant runs a test for each method on each family.
func eachVariant(t *testing.T, test func(t *testing.T, model string, v variant)) {
	for _, model := range pettest.Families {
		for _, v := range variants {
			t.Run(path.Base(model)+"/"+v.String(), func(t *testing.T) { test(t, model, v) })
		}
	}
}

func (v variant) attach(t testing.TB, m models.Model, trainHead bool) *pet.Attached {
	t.Helper()
	return pettest.Attach(t, m, v.method, v.o, trainHead)
}

func isAPETMask(v variant) bool {
	return strings.HasPrefix(v.method, "apet-") && v.method != "apet-modules"
}
