package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// Method is a tuning method with its options.
type Method struct {
	Text   string // as it was written
	Name   string
	Params string // what APET may tune, as pet.Budget reads it; "" for other methods
	Tuning pet.Options
	DType  string // "": that of the measurement
	// Checkpoint is train.Config's CheckpointActivations.
	Checkpoint bool
}

// MethodSyntax tells how ParseMethod reads a method.
const MethodSyntax = `NAME[:OPTION]..., such as lora:all-linear:rank=16 or apet-discrete:0.2%. Options are what
APET tunes (a number, or a share of what is eligible); the targets (all-linear, qv, all); rank=R and
alpha=A (lora), block=B (apet-adjacent), length=N (prompt), bottleneck=N (adapter); a dtype of its own
(float32, bfloat16); and checkpoint: layers are computed again in the backward pass.`

var budget = regexp.MustCompile(`^[0-9.]+%?$`)

// ParseMethod reads NAME[:OPTION]...: see MethodSyntax. Params are APET's unless
// an option has others.
func ParseMethod(text, params string) (Method, error) {
	words := strings.Split(text, ":")
	m := Method{Text: text, Name: words[0]}
	if _, err := pet.Lookup(m.Name); err != nil {
		return m, err
	}
	apet := strings.HasPrefix(m.Name, "apet-")
	if apet {
		m.Params = params
	}
	for _, option := range words[1:] {
		key, value, named := strings.Cut(option, "=")
		var err error
		switch {
		case apet && budget.MatchString(option):
			m.Params = option
		case (apet || m.Name == "lora") && (option == pet.AllLinear || option == "qv" || option == "all"):
			m.Tuning.Targets = option
		case option == torch.Float32.String() || option == torch.BFloat16.String():
			m.DType = option
		case option == "checkpoint":
			m.Checkpoint = true
		case named:
			err = m.set(key, value)
		default:
			err = fmt.Errorf("it has no option %q", option)
		}
		if err != nil {
			return m, fmt.Errorf("method %q: %w; want NAME[:OPTION]..., such as lora:all-linear or apet-discrete:0.2%%", text, err)
		}
	}
	return m, nil
}

// set is option KEY=VALUE.
func (m *Method) set(key, value string) error {
	integers := map[string]*int64{
		"lora rank": &m.Tuning.Rank, "apet-adjacent block": &m.Tuning.Block,
		"prompt length": &m.Tuning.Prompt, "adapter bottleneck": &m.Tuning.Bottleneck,
	}
	var err error
	if to, ok := integers[m.Name+" "+key]; ok {
		*to, err = strconv.ParseInt(value, 10, 64)
		if err != nil || *to < 1 {
			return fmt.Errorf("%s=%s: want a whole number above 0", key, value)
		}
		return nil
	}
	if m.Name == "lora" && key == "alpha" {
		m.Tuning.Alpha, err = strconv.ParseFloat(value, 64)
		if err != nil || !(m.Tuning.Alpha > 0) {
			return fmt.Errorf("%s=%s: want a number above 0", key, value)
		}
		return nil
	}
	return fmt.Errorf("it has no option %q", key)
}
