package peft

import (
	"encoding/json"
	"fmt"

	"github.com/gopet-ml/gopet/pet"
)

// originKey is where a file's metadata holds its origin. Other libraries pass
// over metadata, and lose it when they save the adapter again, trained further:
// so what it says of the tensors is true for as long as it is there.
const originKey = "gopet"

// origin is what an exported adapter keeps of gopet's, beside the tensors.
type origin struct {
	Task      string   `json:"task,omitempty"`
	Text      []string `json:"text,omitempty"`
	Label     string   `json:"label,omitempty"`
	Labels    []string `json:"labels,omitempty"`
	MaxLength int      `json:"max_length,omitempty"`
	MaxTarget int      `json:"max_target,omitempty"`
	Mask      *mask    `json:"mask,omitempty"`
}

// mask is what SHiRA does not know of an APET mask.
type mask struct {
	Method string          `json:"method"`
	Config json.RawMessage `json:"config"`
	// Entries is how many entries of each module's weight are tuned. They come
	// first in its tensors; those after them are padding.
	Entries map[string]int64 `json:"entries"`
}

func newOrigin(c pet.AdapterConfig) origin {
	return origin{
		Task: c.Task, Text: c.Text, Label: c.Label, Labels: c.Labels, MaxLength: c.MaxLength, MaxTarget: c.MaxTarget,
	}
}

// metadata is that of a safetensors file.
func (o origin) metadata() (map[string]string, error) {
	text, err := json.Marshal(o)
	return map[string]string{"format": "pt", originKey: string(text)}, err
}

// originOf reads the origin of a file that gopet wrote; nil for another's.
func originOf(metadata map[string]string) (*origin, error) {
	text, ok := metadata[originKey]
	if !ok {
		return nil, nil
	}
	var o origin
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", originKey, err)
	}
	return &o, nil
}
