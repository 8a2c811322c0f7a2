package peft

import (
	"context"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// ImportOptions say what to convert into what, and what gopet keeps with an
// adapter that other libraries do not. What is left empty comes from the
// adapter, where gopet exported it.
type ImportOptions struct {
	Adapter string // directory of an adapter of another library
	Model   string // directory of its base, or its id on the Hub
	Out     string // the directory to make
	DType   string // that the base is to be loaded in; "": float32

	Task      string   // that the adapter is for
	Text      []string // the columns it reads
	Label     string   // the column of its labels
	Labels    []string // in the order of the head's rows; nil: the adapter's, the base's own, or LABEL_0 and so on
	MaxLength int      // tokens a row has at most; 0: not said

	// Progress is told of downloading the base; nil: nobody.
	Progress func(done, total int64)
}

// Imported says what an import did.
type Imported struct {
	Format  string   `json:"format"`
	Kind    string   `json:"kind"` // what the format calls the method
	Method  string   `json:"method"`
	Count   int64    `json:"trainable"` // of the method, without the head
	Labels  []string `json:"labels,omitempty"`
	Out     string   `json:"out"`
	Remarks []string `json:"remarks,omitempty"` // what was left out, a line each
}

// Import makes an adapter of gopet from one of another library, as the new
// directory o.Out, whole or not at all. It is bound to the base by fingerprint
// and serves to evaluate, to predict and to train on. Errors are one line and
// name what has no equal in gopet.
func Import(ctx context.Context, o ImportOptions) (*Imported, error) {
	if err := refuseExisting(o.Out); err != nil {
		return nil, err
	}
	f, err := readForeign(o.Adapter)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Adapter, err)
	}
	if err := o.complete(f); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Adapter, err)
	}
	b, err := loadBase(ctx, o.Model, o.DType, f.headLabels(o.Labels), o.Progress)
	if err != nil {
		return nil, err
	}
	defer b.close()
	a, err := f.attach(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Adapter, err)
	}
	defer a.Detach()
	if o.Labels == nil {
		o.Labels = models.Labels(b.model)
	} else if len(b.model.Head()) == 0 && !b.isTextToText() {
		return nil, fmt.Errorf("%s: it has no classification head for the labels %q", o.Adapter, o.Labels)
	}
	err = pet.SaveAdapter(o.Out, a, pet.Base{
		Model: o.Model, Fingerprint: b.fingerprint,
		Task: o.Task, Text: o.Text, Label: o.Label, Labels: o.Labels, MaxLength: o.MaxLength, MaxTarget: f.maxTarget(),
	})
	if err != nil {
		return nil, err
	}
	return &Imported{
		Format: f.format, Kind: f.kind, Method: a.Method.Name(), Count: a.Count(), Labels: o.Labels, Out: o.Out, Remarks: f.remarks,
	}, nil
}

// maxTarget is how long texts to generate were, where gopet wrote the adapter.
func (f *foreign) maxTarget() int {
	if f.origin == nil {
		return 0
	}
	return f.origin.MaxTarget
}

// complete takes from the adapter what is not said.
func (o *ImportOptions) complete(f *foreign) error {
	if o.DType == "" {
		o.DType = torch.Float32.String()
	}
	if f.origin != nil {
		if o.Task == "" {
			o.Task, o.Text, o.Label = f.origin.Task, f.origin.Text, f.origin.Label
		}
		if o.Labels == nil {
			o.Labels = f.origin.Labels
		}
		if o.MaxLength == 0 {
			o.MaxLength = f.origin.MaxLength
		}
	}
	if o.Labels == nil {
		o.Labels = f.labels
	}
	if names := slices.Sorted(slices.Values(o.Labels)); len(slices.Compact(names)) < len(o.Labels) {
		return fmt.Errorf("a label comes twice among %q", o.Labels)
	}
	if rows := f.headRows(); o.Labels != nil && rows > 0 && rows != len(o.Labels) {
		return fmt.Errorf("its head has %d rows, and there are %d labels: %q", rows, len(o.Labels), o.Labels)
	}
	return nil
}
