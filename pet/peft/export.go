package peft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/internal/nearest"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// The formats of adapters.
const (
	FormatPEFT     = "peft"     // Hugging Face PEFT
	FormatAdapters = "adapters" // the adapters package
	FormatBitFit   = "bitfit"   // a safetensors file of biases
)

// Formats lists them.
func Formats() []string { return []string{FormatPEFT, FormatAdapters, FormatBitFit} }

// ExportOptions say what to convert into what.
type ExportOptions struct {
	Adapter string // directory of an adapter of gopet
	Model   string // directory of its base, or its id on the Hub; "": the one that the adapter names
	Format  string // one of Formats; "": the one that has a form of the adapter's method
	Out     string // the directory to make
	// Pooler adds one to a BERT classifier that has none, so that transformers
	// does not make one of random weights: format peft.
	Pooler bool
	// Progress is told of downloading the base; nil: nobody.
	Progress func(done, total int64)
}

// Exported says what an export did.
type Exported struct {
	Method  string   `json:"method"`
	Format  string   `json:"format"`
	Kind    string   `json:"kind"` // what the format calls the method
	Out     string   `json:"out"`
	Remarks []string `json:"remarks,omitempty"` // what to know of the result, a line each
}

// forms are the methods' forms in other libraries.
var forms = []struct {
	methods []string
	format  string
	kind    string
	export  func(*tuned) (*directory, error)
}{
	{[]string{"lora"}, FormatPEFT, "LORA", exportLoRA},
	{[]string{"prompt"}, FormatPEFT, "PROMPT_TUNING", exportPrompt},
	{apetMethods, FormatPEFT, "SHIRA", exportSHiRA},
	{[]string{"adapter"}, FormatAdapters, "bottleneck", exportBottleneck},
	{[]string{"bitfit"}, FormatBitFit, "biases", exportBitFit},
}

// Export writes an adapter of gopet in the format of another library, as the
// new directory o.Out, whole or not at all. The base is needed for the names and
// shapes of its modules, the values that a mask replaces, and to be sure that it
// is the one that was tuned. Errors are one line and name what has no equal in
// the format.
func Export(ctx context.Context, o ExportOptions) (*Exported, error) {
	if err := refuseExisting(o.Out); err != nil {
		return nil, err
	}
	config, err := pet.ReadAdapterConfig(o.Adapter)
	if err != nil {
		return nil, err
	}
	if o.Format == "" {
		o.Format = formatOf(config.Method)
	}
	if !slices.Contains(Formats(), o.Format) {
		return nil, fmt.Errorf("unknown format %q; %s", o.Format, nearest.Hint(o.Format, Formats()))
	}
	for _, form := range forms {
		if form.format != o.Format || !slices.Contains(form.methods, config.Method) {
			continue
		}
		d, err := export(ctx, o, config, form.export)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Adapter, err)
		}
		if err := d.write(o.Out); err != nil {
			return nil, err
		}
		return &Exported{Method: config.Method, Format: o.Format, Kind: form.kind, Out: o.Out, Remarks: d.remarks}, nil
	}
	return nil, fmt.Errorf("%s: %w", o.Adapter, noForm(config.Method, o.Format))
}

// formatOf is the first format with a form of the method.
func formatOf(method string) string {
	for _, form := range forms {
		if slices.Contains(form.methods, method) {
			return form.format
		}
	}
	return FormatPEFT
}

func noForm(method, format string) error {
	if other := formatOf(method); other != format {
		return fmt.Errorf("method %s has no form in format %s: export it as %s", method, format, other)
	}
	return fmt.Errorf("method %s has no form in other libraries: merge it into its base instead", method)
}

func export(ctx context.Context, o ExportOptions, config pet.AdapterConfig, convert func(*tuned) (*directory, error)) (*directory, error) {
	if o.Model == "" {
		o.Model = config.BaseModel
	}
	var headLabels []string
	if config.Head {
		headLabels = config.Labels
	}
	b, err := loadBase(ctx, o.Model, config.DType, headLabels, o.Progress)
	if err != nil && o.Model == config.BaseModel {
		return nil, fmt.Errorf("its base: %w; name where it is now with --model", err)
	}
	if err != nil {
		return nil, err
	}
	defer b.close()
	t, err := readTuned(o.Adapter, b, config)
	if err != nil {
		return nil, err
	}
	if o.Pooler {
		if o.Format != FormatPEFT {
			return nil, fmt.Errorf("a pooler goes with format %s alone", FormatPEFT)
		}
		if err := t.addPooler(); err != nil {
			return nil, err
		}
	}
	d, err := convert(t)
	if err != nil {
		return nil, err
	}
	d.remarks = append(d.remarks, t.remarks(o)...)
	return d, nil
}

// remarks tell what transformers' class for the head makes of the base.
func (t *tuned) remarks(o ExportOptions) []string {
	if len(t.head) == 0 {
		return nil
	}
	list := []string{fmt.Sprintf("it goes with a base that transformers loads with num_labels=%d", t.head[headBias].Shape[0])}
	if t.poolerless() && o.Format != FormatAdapters && !o.Pooler {
		list = append(list, "its base has no pooler, and transformers makes one of random weights: "+
			"let the first token take its place there, or export for peft with a pooler, --pooler")
	}
	return list
}

// tuned is an adapter of gopet on its base, whose base parameters are as they
// were before tuning and whose head is the adapter's.
type tuned struct {
	*base
	config  pet.AdapterConfig
	tensors tensors // of the method
	head    tensors
}

// readTuned reads an adapter through the method itself, which checks all of it.
func readTuned(dir string, b *base, config pet.AdapterConfig) (*tuned, error) {
	a, err := pet.LoadAdapter(dir, b.model, b.fingerprint, false)
	if err != nil {
		return nil, err
	}
	defer a.Detach()
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	t := &tuned{base: b, config: config}
	if err := torch.Try(func() { t.tensors, err = store(a.Save(s)) }); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	var head []pet.NamedTensor
	for _, p := range b.model.Head() {
		head = append(head, pet.NamedTensor{Name: p.Name, Tensor: p.Tensor.In(s)})
	}
	t.head, err = store(head)
	return t, err
}

// directory is an adapter directory of another library.
type directory struct {
	configs map[string]any     // JSON files by name
	files   map[string]tensors // safetensors files by name
	origin  origin             // in the metadata of each
	remarks []string
}

// write makes the directory, whole or not at all.
func (d *directory) write(dir string) error {
	metadata, err := d.origin.metadata()
	if err != nil {
		return err
	}
	return atomicfile.WriteDir(dir, func(dir string) error {
		for name, config := range d.configs {
			text, err := json.MarshalIndent(config, "", "  ")
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o666); err != nil {
				return err
			}
		}
		for name, tensors := range d.files {
			if err := tensors.write(filepath.Join(dir, name), metadata); err != nil {
				return err
			}
		}
		return nil
	})
}

func refuseExisting(dir string) error {
	if dir == "" {
		return errors.New("no directory to write to")
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s already exists: choose another directory", dir)
	}
	return nil
}
