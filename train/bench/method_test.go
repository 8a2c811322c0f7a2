package bench

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/pet"
)

func TestMethodsHaveOptions(t *testing.T) {
	for text, want := range map[string]Method{
		"full":                         {Name: "full"},
		"apet-discrete":                {Name: "apet-discrete", Params: "lora"},
		"apet-discrete:0.2%":           {Name: "apet-discrete", Params: "0.2%"},
		"apet-adjacent:qv:300:block=7": {Name: "apet-adjacent", Params: "300", Tuning: pet.Options{Targets: "qv", Block: 7}},
		"lora:all-linear":              {Name: "lora", Tuning: pet.Options{Targets: "all-linear"}},
		"lora:rank=4:qv:alpha=1.5":     {Name: "lora", Tuning: pet.Options{Targets: "qv", Rank: 4, Alpha: 1.5}},
		"bitfit:bfloat16":              {Name: "bitfit", DType: "bfloat16"},
		"prompt:length=20":             {Name: "prompt", Tuning: pet.Options{Prompt: 20}},
		"adapter:bottleneck=5":         {Name: "adapter", Tuning: pet.Options{Bottleneck: 5}},
	} {
		want.Text = text
		got, err := ParseMethod(text, "lora")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestMethodsRefuseOptions(t *testing.T) {
	for text, want := range map[string]string{
		"lore":                  `did you mean "lora"?`,
		"":                      "unknown method",
		"full:qv":               `no option "qv"`,
		"lora:0.2%":             `no option "0.2%"`,
		"lora:block=3":          `no option "block"`,
		"apet-discrete:block=3": `no option "block"`,
		"apet-discrete:alll":    `no option "alll"`,
		"lora:rank=0":           "above 0",
		"lora:rank=x":           "above 0",
		"lora:alpha=NaN":        "above 0",
	} {
		_, err := ParseMethod(text, "20")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
