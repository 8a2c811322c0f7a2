package train

import (
	"context"
	"fmt"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/bert"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// MergeOptions say what to fold into what.
type MergeOptions struct {
	Model       string // directory of the base, or its id on the Hub
	Adapter     string // directory of an adapter tuned on it
	Out         string // the directory to make
	Device      string
	Threads     int
	Downloading Downloading // nil: nobody
}

// Merged says what a merge did.
type Merged struct {
	Method string `json:"method"`
	Base   string `json:"base"`
	Out    string `json:"out"`
	// Exact: taking the adapter off again would restore every bit of the base;
	// otherwise the base comes back within float rounding only.
	Exact bool `json:"exact"`
	// Remarks are what to know of the result, a line each.
	Remarks []string `json:"remarks,omitempty"`
}

// Merge folds an adapter into its base and writes a plain Hugging Face model,
// the adapter's classification head and the base's tokenizer included.
func Merge(ctx context.Context, o MergeOptions) (*Merged, error) {
	config, err := pet.ReadAdapterConfig(o.Adapter)
	if err != nil {
		return nil, err
	}
	setup := Setup{Model: o.Model, Adapter: o.Adapter, Device: o.Device, Threads: o.Threads, Downloading: o.Downloading}
	if config.Task != "" {
		if setup.Task, err = FindTask(config.Task, config.Text, config.Label); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Adapter, err)
		}
	}
	i, err := Open(ctx, setup)
	if err != nil {
		return nil, err
	}
	defer i.Close()
	merger, ok := i.attached.Tuning.(pet.Merger)
	if !ok {
		return nil, fmt.Errorf("%s: %s adds to the model and cannot be folded into its weights: keep the adapter beside the model, or export it",
			o.Adapter, config.Method)
	}
	if err := torch.Try(func() { err = merger.Merge() }); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Adapter, err)
	}
	if err := i.Model.Save(o.Out, models.Companions(i.dir)...); err != nil {
		return nil, err
	}
	merged := &Merged{Method: config.Method, Base: o.Model, Out: o.Out, Exact: merger.Exact()}
	if m, ok := i.Model.(*bert.Model); ok && len(m.Head()) > 0 && !m.HasPooler() {
		merged.Remarks = append(merged.Remarks,
			"the base has no pooler, so its head reads the first token itself: transformers would put a pooler of random weights before it")
	}
	return merged, nil
}
