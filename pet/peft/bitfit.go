package peft

import (
	"fmt"
	"strings"

	_ "github.com/gopet-ml/gopet/pet/bitfit" // the method bitfit
)

// BitFitFile is the one file of an exported BitFit adapter: float32 tensors
// MODULE.bias, the biases in place of the base's, and the head.
const BitFitFile = "bitfit.safetensors"

func exportBitFit(t *tuned) (*directory, error) {
	for _, name := range t.head.Names() {
		t.tensors.add(t.head[name])
	}
	return &directory{files: map[string]tensors{BitFitFile: t.tensors}, origin: newOrigin(t.config)}, nil
}

func readBitFit(dir string) (*foreign, error) {
	stored, origin, err := readTensors(dir, BitFitFile)
	if err != nil {
		return nil, err
	}
	f := &foreign{format: FormatBitFit, kind: "biases", head: tensors{}, origin: origin}
	biases := tensors{}
	for _, name := range stored.Names() {
		if name == headWeight || name == headBias {
			f.head.add(stored[name])
		} else if strings.HasSuffix(name, ".bias") {
			biases.add(stored[name])
		} else {
			return nil, fmt.Errorf("%s: tensor %q is no bias", BitFitFile, name)
		}
	}
	f.convert = func(b *base) (*restorable, error) {
		r := &restorable{method: "bitfit", config: []byte("{}"), tensors: tensors{}}
		for _, name := range biases.Names() {
			module := strings.TrimSuffix(name, ".bias")
			r.tensors.add(renamed(biases[name], b.inner(module)+".bias"))
		}
		return r, nil
	}
	return f, nil
}
