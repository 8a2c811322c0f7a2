package batch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/task"
)

// An asked split has questions whose number and length, and whose answers'
// length, are scattered. It keeps the columns that were read.
type asked struct {
	rows    []int // of each block
	columns map[string]bool
}

func (s *asked) Name() string     { return data.Train }
func (s *asked) BlockRows() []int { return s.rows }
func (s *asked) Columns() []column.Schema {
	return []column.Schema{
		{Name: "id", Kind: column.Int}, {Name: "question", Kind: column.String}, {Name: "answer", Kind: column.Strings},
	}
}

func (s *asked) ReadBlock(_ context.Context, i int, columns []string) (*data.Block, error) {
	first := 0
	for _, rows := range s.rows[:i] {
		first += rows
	}
	block := &data.Block{Place: "memory"}
	for _, name := range columns {
		s.columns[name] = true
		v := column.Values{Schema: s.Columns()[slices.Index(column.Names(s.Columns()), name)]}
		for row := first; row < first+s.rows[i]; row++ {
			var value any = int64(row)
			switch name {
			case "question":
				value = question(row)
			case "answer":
				value = answers(row)
			}
			if err := v.Append(value); err != nil {
				return nil, err
			}
		}
		block.Columns = append(block.Columns, v)
	}
	return block, nil
}

func question(row int) string { return strings.Repeat("why ", row*7919%5) + fmt.Sprint(row) }

func answers(row int) []string {
	return []string{strings.Repeat("so ", row*104729%9) + fmt.Sprint(row), "it is"}
}

// endOfText ends what encodeWords makes, as </s> does T5's.
const endOfText = 1

// encodeWords makes a token of each word, its length.
func encodeWords(text string, maxLength int) []int32 {
	var ids []int32
	for _, word := range strings.Fields(text) {
		ids = append(ids, int32(10+len(word)))
	}
	if maxLength > 0 {
		ids = ids[:min(len(ids), maxLength-1)]
	}
	return append(ids, endOfText)
}

func nqOpen(t *testing.T) *task.Task {
	t.Helper()
	described, err := task.Lookup("nq_open")
	if err != nil {
		t.Fatal(err)
	}
	return described
}

const maxTarget = 8 // one below the longest answer

func textOptions(t *testing.T, rows int, blocks ...int) (Options, *asked) {
	described, split := nqOpen(t), &asked{rows: blocks, columns: map[string]bool{}}
	return Options{
		Split: split, Columns: described.Columns(), Encode: ForText(described, encodeWords, 0, maxTarget),
		Rows: rows, Window: 4, Buffer: 30, Seed: 1, Epochs: 1, Workers: 3,
	}, split
}

// checkTextBatch compares a batch with what its rows must be.
func checkTextBatch(t *testing.T, b *Batch) {
	t.Helper()
	want := &Batch{Rows: len(b.RowIDs), RowIDs: b.RowIDs, Next: b.Next}
	for _, id := range b.RowIDs {
		source := encodeWords("Input: "+question(int(id))+" Output: ", 0)
		target := encodeWords(answers(int(id))[0], maxTarget)
		want.IDs, want.Targets = appendWide(want.IDs, source), appendWide(want.Targets, target)
		want.Lengths, want.TargetLengths = append(want.Lengths, int64(len(source))), append(want.TargetLengths, int64(len(target)))
		want.TargetTokens += int64(len(target))
		want.Tokens += int64(len(source) + len(target))
		want.Labels = append(want.Labels, -1)
		want.References = append(want.References, answers(int(id)))
	}
	want.Types = make([]int64, len(want.IDs))
	if diff := cmp.Diff(want, b); diff != "" {
		t.Fatalf("batch of rows %d (-want +got):\n%s", b.RowIDs, diff)
	}
}

func TestTextBatchesHoldTheRows(t *testing.T) {
	for name, arrangement := range arrangements {
		o, split := textOptions(t, 6, 40, 0, 33)
		o.Arrangement = arrangement
		var rows []int64
		for _, b := range read(t, o, State{}, all) {
			checkTextBatch(t, b)
			rows = append(rows, b.RowIDs...)
		}
		slices.Sort(rows)
		if len(rows) != 73 || len(slices.Compact(rows)) != 73 {
			t.Errorf("%s: rows %d", name, rows)
		}
		if diff := cmp.Diff(map[string]bool{"question": true, "answer": true}, split.columns); diff != "" {
			t.Errorf("%s: columns read (-want +got):\n%s", name, diff)
		}
	}
}

// Of rows of one length those with targets of one length come together.
func TestTextIsSortedBySourceThenTarget(t *testing.T) {
	o, _ := textOptions(t, 5, 60)
	o.Arrangement, o.Window = ByLength, 12
	var source, target int64
	for _, b := range read(t, o, State{}, all) {
		for i := range b.Rows {
			n, m := b.Lengths[i], b.TargetLengths[i]
			if n < source || n == source && m < target {
				t.Fatalf("a row of %d and %d tokens comes after one of %d and %d", n, m, source, target)
			}
			source, target = n, m
		}
	}
	if source == 0 {
		t.Fatal("no rows")
	}
}

func TestTextResumesAfterEveryBatch(t *testing.T) {
	o, _ := textOptions(t, 5, 20, 23)
	o.Epochs = 2
	whole := read(t, o, State{}, all)
	for i, b := range whole {
		if diff := cmp.Diff(whole[i+1:], append([]*Batch{}, read(t, o, b.Next, all)...)); diff != "" {
			t.Fatalf("after batch %d (-want +got):\n%.1000s", i, diff)
		}
	}
}

func TestTextSplit(t *testing.T) {
	o, _ := textOptions(t, 10, 10)
	whole := read(t, o, State{}, 1)[0]
	for rows := range 12 {
		var tokens, targetTokens int64
		parts := whole.Split(rows)
		for _, p := range parts {
			checkTextBatch(t, p)
			tokens, targetTokens = tokens+p.Tokens, targetTokens+p.TargetTokens
		}
		if tokens != whole.Tokens || targetTokens != whole.TargetTokens || parts[len(parts)-1].Next != whole.Next {
			t.Errorf("parts of %d rows do not add up to the batch", rows)
		}
	}
}

// A task with labels has their words for targets, and the class beside.
func TestTextOfLabels(t *testing.T) {
	row, err := data.RowOf("file", 3, map[string]any{"text": "a b c d", "label": 1})
	if err != nil {
		t.Fatal(err)
	}
	e, err := ForText(parity("even", "very odd"), encodeWords, 4, 0)(row)
	want := Example{IDs: []int32{16, 11, 11, endOfText}, Target: []int32{14, 13, endOfText}, Label: 1, References: []string{"very odd"}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Prediction has neither labels nor answers, and reads none that are there.
func TestOf(t *testing.T) {
	var rows []data.Row
	for i, values := range []map[string]any{{"text": "12"}, {"text": "3", "label": "no such class"}} {
		row, err := data.RowOf("file", int64(i), values)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	described := parity("even", "odd")
	for name, encode := range map[string]Encoder{
		"head": HeadInput(described, encode),
		"text": TextInput(described, encodeWords, 0),
	} {
		b, err := Of(encode, rows)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Labels, []int64{-1, -1}) || !slices.Equal(b.RowIDs, []int64{0, 1}) || len(b.IDs) == 0 {
			t.Errorf("%s: labels %d of rows %d", name, b.Labels, b.RowIDs)
		}
		if b.Targets != nil || b.TargetLengths != nil || b.References != nil || b.TargetTokens != 0 {
			t.Errorf("%s: targets %d, references %q", name, b.Targets, b.References)
		}
	}
	for name, encode := range map[string]Encoder{
		"head": ForHead(described, encode),
		"text": ForText(described, encodeWords, 0, 0),
	} {
		const want = `file: row 0: no column "label"; there are: text`
		if _, err := Of(encode, rows); err == nil || err.Error() != want {
			t.Errorf("%s with its answer: error %v, want %s", name, err, want)
		}
	}
}
