package batch

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/shard"
)

// A repeated split is a split over and over, as one of many more blocks.
type repeated struct {
	data.Split
	times int
}

func (s *repeated) BlockRows() []int {
	var rows []int
	for range s.times {
		rows = append(rows, s.Split.BlockRows()...)
	}
	return rows
}

func (s *repeated) ReadBlock(ctx context.Context, i int, columns []string) (*data.Block, error) {
	return s.Split.ReadBlock(ctx, i%len(s.Split.BlockRows()), columns)
}

// writeShard writes a training split of groups of rows and opens it.
func writeShard(t *testing.T, groups, rows int) data.Split {
	t.Helper()
	path := filepath.Join(t.TempDir(), "train.parquet")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, label := column.Schema{Name: "text", Kind: column.String}, column.Schema{Name: "label", Kind: column.Int}
	w, err := shard.NewWriter(file, []column.Schema{text, label})
	if err != nil {
		t.Fatal(err)
	}
	for range groups {
		texts, labels := column.Values{Schema: text}, column.Values{Schema: label}
		for row := range rows {
			texts.Strings = append(texts.Strings, strings.Repeat(fmt.Sprint(row, " "), 1+row%20))
			labels.Ints = append(labels.Ints, int64(row%2))
		}
		if err := w.Write([]column.Values{texts, labels}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := data.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d.Splits()[0]
}

// live is the memory that is in use, in bytes. A reader's goroutines may be at
// work, so the least of some readings counts.
func live() int64 {
	least := int64(math.MaxInt64)
	for range 5 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		least = min(least, int64(stats.HeapAlloc))
	}
	return least
}

// Memory does not grow with the rows that were read, within an epoch or over
// several: four bytes a row would be seen. make bench-input watches ten million.
func TestMemoryIsFlat(t *testing.T) {
	split := writeShard(t, 10, 1000)
	for name, c := range map[string]struct {
		split  data.Split
		epochs int64
	}{
		"one epoch":   {&repeated{split, 40}, 1},
		"many epochs": {split, 40},
	} {
		o := options(32)
		o.Split, o.Epochs, o.Buffer = c.split, c.epochs, 1000
		o.Encode = ForHead(parity("even", "odd"), func(text, _ string) (ids, types []int32) {
			return make([]int32, 1+len(text)/4), make([]int32, 1+len(text)/4)
		})
		r, err := NewReader(context.Background(), o, State{})
		if err != nil {
			t.Fatal(err)
		}
		const total, bound = 400_000, 1 << 20
		var early int64
		rows := 0
		for rows < total {
			b, err := r.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if rows += b.Rows; early == 0 && rows >= total/4 {
				early = live()
			}
		}
		late := live()
		t.Logf("%s: %d bytes in use after %d rows, %d after %d", name, early, total/4, late, rows)
		if late > early+bound {
			t.Errorf("%s: %d bytes in use after %d rows, %d after %d", name, early, total/4, late, rows)
		}
		r.Close()
	}
}
