package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/task"
)

// TestMain fails the package if its tests leave goroutines behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before && code == 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines at the end, %d at the beginning\n", n, before)
		code = 1
	}
	os.Exit(code)
}

// A numbered split has rows whose text is their number and whose length, as
// encode gives it, is scattered.
type numbered struct {
	blocks []int
	fail   func(block int) error
}

func (s *numbered) Name() string     { return data.Train }
func (s *numbered) BlockRows() []int { return s.blocks }
func (s *numbered) Columns() []column.Schema {
	return []column.Schema{{Name: "text", Kind: column.String}, {Name: "label", Kind: column.Int}}
}

func (s *numbered) ReadBlock(_ context.Context, i int, _ []string) (*data.Block, error) {
	if s.fail != nil {
		if err := s.fail(i); err != nil {
			return nil, err
		}
	}
	first := 0
	for _, rows := range s.blocks[:i] {
		first += rows
	}
	text := column.Values{Schema: column.Schema{Name: "text", Kind: column.String}}
	label := column.Values{Schema: column.Schema{Name: "label", Kind: column.Int}}
	for row := range s.blocks[i] {
		text.Strings = append(text.Strings, fmt.Sprint(first+row))
		label.Ints = append(label.Ints, int64((first+row)%2))
	}
	return &data.Block{Place: "memory", Columns: []column.Values{text, label}}, nil
}

// encode gives row n between 1 and 40 tokens that all are n.
func encode(first, _ string) (ids, types []int32) {
	var n int32
	for _, digit := range first {
		n = 10*n + digit - '0'
	}
	length := 1 + int(n)*7919%40
	return slices.Repeat([]int32{n}, length), slices.Repeat([]int32{1}, length)
}

// parity is the task of telling even rows from odd ones.
func parity(labels ...string) *task.Task {
	t, err := task.Classify([]string{"text"}, "label")
	if err != nil {
		panic(err)
	}
	return t.WithLabels(labels)
}

func options(rows int, blocks ...int) Options {
	t := parity("even", "odd")
	return Options{
		Split: &numbered{blocks: blocks}, Columns: t.Columns(), Encode: ForHead(t, encode),
		Rows: rows, Window: 4, Buffer: 30, Seed: 1, Epochs: 1, Workers: 3,
	}
}

// read returns the batches from start on, at most limit.
func read(t *testing.T, o Options, start State, limit int) []*Batch {
	t.Helper()
	r, err := NewReader(context.Background(), o, start)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []*Batch
	for len(out) < limit {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

const all = 1 << 30

var arrangements = map[string]Arrangement{"shuffled": Shuffled, "file order": FileOrder, "by length": ByLength}

func TestBatchesHoldTheRows(t *testing.T) {
	for name, arrangement := range arrangements {
		o := options(8, 50, 0, 61, 9)
		o.Arrangement = arrangement
		batches := read(t, o, State{}, all)
		if want := PerEpoch(o.Split, o.Rows); int64(len(batches)) != want || want != 15 {
			t.Errorf("%s: %d batches, want %d", name, len(batches), want)
		}
		var rows []int64
		partial := 0
		for _, b := range batches {
			checkBatch(t, b)
			if b.Rows < o.Rows {
				partial++
			}
			rows = append(rows, b.RowIDs...)
		}
		if partial != 0 {
			t.Errorf("%s: %d batches are not full", name, partial)
		}
		if arrangement == FileOrder && !slices.IsSorted(rows) {
			t.Errorf("file order is %v", rows)
		}
		slices.Sort(rows)
		for i, row := range rows {
			if int64(i) != row {
				t.Fatalf("%s: row %d is missing or there twice", name, i)
			}
		}
	}
}

// checkBatch compares a batch with what its rows must be.
func checkBatch(t *testing.T, b *Batch) {
	t.Helper()
	want := &Batch{Rows: len(b.RowIDs), RowIDs: b.RowIDs, Next: b.Next}
	for _, row := range b.RowIDs {
		ids, types := encode(fmt.Sprint(row), "")
		want.IDs, want.Types = appendWide(want.IDs, ids), appendWide(want.Types, types)
		want.Lengths = append(want.Lengths, int64(len(ids)))
		want.Labels = append(want.Labels, row%2)
		want.Tokens += int64(len(ids))
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Fatalf("batch of rows %d (-want +got):\n%s", b.RowIDs, diff)
	}
}

func appendWide(to []int64, values []int32) []int64 {
	for _, value := range values {
		to = append(to, int64(value))
	}
	return to
}

func TestLastBatchKeepsWhatIsLeft(t *testing.T) {
	o := options(8, 19)
	var sizes []int
	for _, b := range read(t, o, State{}, all) {
		sizes = append(sizes, b.Rows)
	}
	slices.Sort(sizes)
	if diff := cmp.Diff([]int{3, 8, 8}, sizes); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
}

func TestResumeAfterEveryBatch(t *testing.T) {
	for name, arrangement := range arrangements {
		o := options(4, 30, 31, 12)
		o.Arrangement, o.Epochs = arrangement, 2
		whole := read(t, o, State{}, all)
		if len(whole) != 38 {
			t.Fatalf("%s: %d batches in two epochs", name, len(whole))
		}
		for i, b := range whole {
			if diff := cmp.Diff(whole[i+1:], append([]*Batch{}, read(t, o, b.Next, all)...)); diff != "" {
				t.Fatalf("%s: after batch %d, state %+v (-want +got):\n%.1000s", name, i, b.Next, diff)
			}
		}
	}
}

func TestOrderDependsOnSeedAndEpochAlone(t *testing.T) {
	o := options(4, 60, 60)
	o.Epochs = 2
	first := read(t, o, State{}, all)
	o.Workers = 1
	if diff := cmp.Diff(first, read(t, o, State{}, all)); diff != "" {
		t.Errorf("another number of workers gave other batches:\n%.500s", diff)
	}
	if cmp.Equal(rowIDs(first[:30]), rowIDs(first[30:])) {
		t.Error("two epochs have the same order")
	}
	o.Seed++
	if cmp.Equal(rowIDs(first), rowIDs(read(t, o, State{}, all))) {
		t.Error("two seeds have the same order")
	}
}

func rowIDs(batches []*Batch) [][]int64 {
	var out [][]int64
	for _, b := range batches {
		out = append(out, b.RowIDs)
	}
	return out
}

func TestEndlessEpochs(t *testing.T) {
	o := options(4, 10)
	o.Epochs = 0
	batches := read(t, o, State{}, 100)
	if len(batches) != 100 || batches[99].Next != (State{Epoch: 33, Batch: 1}) {
		t.Errorf("%d batches, the last before %+v", len(batches), batches[len(batches)-1].Next)
	}
}

func TestRowsOfABatchAreOfLikeLength(t *testing.T) {
	share := func(a Arrangement) float64 {
		o := options(16, 5000, 5000)
		o.Arrangement, o.Window, o.Buffer = a, DefaultWindow, 0
		var tokens, computed float64
		for _, b := range read(t, o, State{}, all) {
			tokens += float64(b.Tokens)
			computed += float64(b.Rows) * float64(slices.Max(b.Lengths))
		}
		return 1 - tokens/computed
	}
	shuffled, byLength, plain := share(Shuffled), share(ByLength), share(FileOrder)
	t.Logf("padding of a rectangle: %.3f shuffled, %.3f by length, %.3f in file order", shuffled, byLength, plain)
	if shuffled > 0.05 || byLength > 0.05 || plain < 0.3 {
		t.Errorf("padding of %.3f shuffled and %.3f by length against %.3f in file order", shuffled, byLength, plain)
	}
}

func TestSplit(t *testing.T) {
	o := options(10, 10)
	whole := read(t, o, State{}, 1)[0]
	for rows := range 12 {
		parts := whole.Split(rows)
		var ids []int64
		var tokens int64
		for i, p := range parts {
			checkBatch(t, p)
			if rows > 0 && i < len(parts)-1 && p.Rows != rows {
				t.Errorf("part %d of %d rows", i, p.Rows)
			}
			ids = append(ids, p.RowIDs...)
			tokens += p.Tokens
		}
		if !slices.Equal(ids, whole.RowIDs) || tokens != whole.Tokens || parts[len(parts)-1].Next != whole.Next {
			t.Errorf("parts of %d rows do not add up to the batch", rows)
		}
	}
}

func TestErrorsAreReturned(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"source", func(o *Options) { o.Split.(*numbered).fail = func(int) error { return broken } }, "broken"},
		{"source panics", func(o *Options) { o.Split.(*numbered).fail = func(int) error { panic("out of cheese") } }, "panic while reading rows: out of cheese"},
		{"encoder panics", func(o *Options) { o.Encode = func(data.Row) (Example, error) { panic("redo") } }, "panic while tokenising: redo"},
		{"label", func(o *Options) { o.Encode = ForHead(parity("even"), encode) }, `memory: row 1: label 1 is not one of the 1 classes of column "label": 0=even`},
	} {
		o := options(4, 10)
		o.Arrangement = FileOrder
		c.change(&o)
		r, err := NewReader(context.Background(), o, State{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // an error stays
			if _, err := r.Next(context.Background()); err == nil || err.Error() != c.want {
				t.Errorf("%s: error %v, want %q", c.name, err, c.want)
			}
		}
		r.Close()
	}
	r, err := NewReader(context.Background(), func() Options {
		o := options(4, 10)
		o.Encode = func(data.Row) (Example, error) { panic("redo") }
		return o
	}(), State{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Next(context.Background())
	if p, ok := errors.AsType[*PanicError](err); !ok || !strings.Contains(string(p.Stack), "reader_test.go") {
		t.Errorf("error %#v does not say where the panic was", err)
	}
}

func TestBatchesBeforeAnErrorComeFirst(t *testing.T) {
	o := options(5, 20, 20)
	o.Arrangement = FileOrder
	o.Split.(*numbered).fail = func(block int) error {
		if block == 1 {
			return errors.New("broken")
		}
		return nil
	}
	r, err := NewReader(context.Background(), o, State{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 4 {
		if b, err := r.Next(context.Background()); err != nil || b.RowIDs[0] != int64(5*i) {
			t.Fatalf("batch %d: %v", i, err)
		}
	}
	if _, err := r.Next(context.Background()); err == nil || err.Error() != "broken" {
		t.Errorf("after the good batches: %v", err)
	}
}

func TestCancelAndClose(t *testing.T) {
	o := options(2, 1000)
	o.Epochs = 0
	ctx, cancel := context.WithCancel(context.Background())
	r, err := NewReader(ctx, o, State{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	for {
		if _, err = r.Next(context.Background()); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
	r.Close()
	r.Close()

	// A reader that nobody reads from is closed at once, whatever it was doing.
	for range 20 {
		r, err := NewReader(context.Background(), o, State{})
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
}

func TestNextHonoursItsOwnContext(t *testing.T) {
	o := options(2, 10)
	release := make(chan struct{})
	o.Split.(*numbered).fail = func(int) error { <-release; return nil }
	r, err := NewReader(context.Background(), o, State{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	close(release)
	if _, err := r.Next(context.Background()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	r.Close()
}

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		start  State
		want   string
	}{
		{func(o *Options) { o.Rows = 0 }, State{}, "a batch of 0 rows: it takes at least 1"},
		{func(o *Options) { o.Split = &numbered{} }, State{}, `split "train" is empty`},
		{func(o *Options) { o.Encode = nil }, State{}, "batches need a split, its columns and an encoder"},
		{func(*Options) {}, State{Batch: 4}, `batch 4 of epoch 0 is not among the 3 of split "train"`},
	} {
		o := options(4, 10)
		c.change(&o)
		if _, err := NewReader(context.Background(), o, c.start); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// BenchmarkParquetToBatches reports rows per second from the files of a task
// to batches, with an encoder that costs little, so the rest shows.
func BenchmarkParquetToBatches(b *testing.B) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "qnli")
	d, err := data.Open(dir)
	if err != nil {
		b.Skipf("the task's data is not beside this repository: %v", err)
	}
	t, err := task.Lookup("qnli")
	if err != nil {
		b.Fatal(err)
	}
	split := d.Splits()[0]
	encodeBytes := func(first, second string) (ids, types []int32) {
		ids = make([]int32, (len(first)+len(second))/4+1)
		return ids, make([]int32, len(ids))
	}
	rows := 0
	for b.Loop() {
		r, err := NewReader(context.Background(), Options{
			Split: split, Columns: t.Columns(), Encode: ForHead(t, encodeBytes), Rows: 32, Epochs: 1, Seed: int64(rows),
		}, State{})
		if err != nil {
			b.Fatal(err)
		}
		for {
			batch, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += batch.Rows
		}
		r.Close()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
