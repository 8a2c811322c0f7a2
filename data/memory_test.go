package data_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
)

// A memory is a row source as another module would write one: a split of
// blocks that count how often they are read.
type memory struct {
	blocks []int
	reads  atomic.Int64
}

func (m *memory) Splits() []data.Split { return []data.Split{m} }
func (m *memory) Fingerprint() string  { return fmt.Sprint(m.blocks) }
func (m *memory) Name() string         { return data.Train }
func (m *memory) BlockRows() []int     { return m.blocks }

func (m *memory) Columns() []column.Schema {
	return []column.Schema{{Name: "text", Kind: column.String}, {Name: "label", Kind: column.Int}}
}

func (m *memory) ReadBlock(ctx context.Context, i int, columns []string) (*data.Block, error) {
	m.reads.Add(1)
	first := 0
	for _, rows := range m.blocks[:i] {
		first += rows
	}
	text := column.Values{Schema: column.Schema{Name: "text", Kind: column.String}}
	label := column.Values{Schema: column.Schema{Name: "label", Kind: column.Int}}
	for row := range m.blocks[i] {
		text.Strings = append(text.Strings, fmt.Sprintf("row %d", first+row))
		label.Ints = append(label.Ints, int64((first+row)%2))
	}
	block := &data.Block{Place: fmt.Sprintf("memory %d", i)}
	for _, name := range columns {
		switch name {
		case "text":
			block.Columns = append(block.Columns, text)
		case "label":
			block.Columns = append(block.Columns, label)
		}
	}
	return block, nil
}

func TestRegisterSource(t *testing.T) {
	m := &memory{blocks: []int{3, 2}}
	t.Cleanup(func() { data.UnregisterSource("memory") })
	var given string
	data.RegisterSource("memory", func(spec string) (data.Dataset, error) {
		given = spec
		return m, nil
	})
	d, err := data.Open("memory:some/where:else")
	if err != nil {
		t.Fatal(err)
	}
	if d != data.Dataset(m) || given != "some/where:else" {
		t.Errorf("opened %v with %q", d, given)
	}
	for _, scheme := range []string{"memory", "parquet", "", "a:b", "a/b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("scheme %q was registered", scheme)
				}
			}()
			data.RegisterSource(scheme, nil)
		}()
	}
	if _, err := data.Open("memori:x"); err == nil || err.Error() != `data "memori:x": no row source "memori" is registered; did you mean "memory"?` {
		t.Errorf("unknown scheme: %v", err)
	}
}
