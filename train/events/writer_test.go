package events

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// decode reads event files by the book, apart from the writer's code but for
// the checksum, which TestMaskedCRC holds to published values.
func decode(t *testing.T, path string) []event {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []event
	for len(data) > 0 {
		length := binary.LittleEndian.Uint64(data)
		if maskedCRC(data[:8]) != binary.LittleEndian.Uint32(data[8:]) {
			t.Fatal("wrong checksum of a length")
		}
		body := data[12 : 12+length]
		if maskedCRC(body) != binary.LittleEndian.Uint32(data[12+length:]) {
			t.Fatal("wrong checksum of an event")
		}
		list = append(list, decodeEvent(t, body))
		data = data[12+length+4:]
	}
	return list
}

// fields calls visit for every field of a message, with its number as a
// varint, its fixed bits or its bytes.
func fields(t *testing.T, message []byte, visit func(field, number uint64, body []byte)) {
	t.Helper()
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		message = message[n:]
		switch key & 7 {
		case 0:
			number, n := binary.Uvarint(message)
			visit(key>>3, number, nil)
			message = message[n:]
		case 1:
			visit(key>>3, binary.LittleEndian.Uint64(message), nil)
			message = message[8:]
		case 2:
			length, n := binary.Uvarint(message)
			visit(key>>3, 0, message[n:n+int(length)])
			message = message[n+int(length):]
		case 5:
			visit(key>>3, uint64(binary.LittleEndian.Uint32(message)), nil)
			message = message[4:]
		default:
			t.Fatalf("wire type %d", key&7)
		}
	}
}

func decodeEvent(t *testing.T, message []byte) event {
	var e event
	fields(t, message, func(field, number uint64, body []byte) {
		switch field {
		case 1:
			e.wallTime = math.Float64frombits(number)
		case 2:
			e.step = int64(number)
		case 3:
			e.fileVersion = string(body)
		case 5:
			fields(t, body, func(_, _ uint64, value []byte) {
				var s Scalar
				fields(t, value, func(field, number uint64, body []byte) {
					if field == 1 {
						s.Tag = string(body)
					} else {
						s.Value = float64(math.Float32frombits(uint32(number)))
					}
				})
				e.scalars = append(e.scalars, s)
			})
		case 7:
			e.restart = true
		}
	})
	return e
}

func mustWrite(t *testing.T, w *Writer, step int64, scalars ...Scalar) {
	t.Helper()
	if err := w.Write(step, scalars...); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, w *Writer, err error) *Writer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestMaskedCRC(t *testing.T) {
	// CRC-32C of 32 zero bytes is 0x8a9136aa (RFC 3720, B.4).
	crc := uint32(0x8a9136aa)
	if want, got := (crc>>15|crc<<17)+0xa282ead8, maskedCRC(make([]byte, 32)); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}

func TestEventsAreInTheFileAtOnce(t *testing.T) {
	dir := t.TempDir()
	before := time.Now()
	w, err := Create(dir)
	w = must(t, w, err)
	mustWrite(t, w, 0, Scalar{"train/loss", 2.5})
	mustWrite(t, w, 1<<40, Scalar{"train/loss", math.Inf(1)}, Scalar{"Größe", -0.125})
	got := decode(t, w.Path())
	for i := range got {
		if at := time.UnixMicro(int64(got[i].wallTime * 1e6)); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("event %d is of %v", i, at)
		}
		got[i].wallTime = 0
	}
	want := []event{
		{fileVersion: "brain.Event:2"},
		{scalars: []Scalar{{"train/loss", 2.5}}},
		{step: 1 << 40, scalars: []Scalar{{"train/loss", math.Inf(1)}, {"Größe", -0.125}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestResumeStartsANewerFile(t *testing.T) {
	dir := t.TempDir()
	last := ""
	for step := range int64(4) { // all within a second
		w, err := Resume(dir, step)
		w = must(t, w, err)
		if w.Path() <= last {
			t.Errorf("%s does not come after %s", w.Path(), last)
		}
		last = w.Path()
		if e := decode(t, w.Path())[1]; !e.restart || e.step != step+1 {
			t.Errorf("got %+v, want a restart at step %d", e, step+1)
		}
	}
	if strings.Contains(filepath.Base(last), " ") || !strings.HasPrefix(filepath.Base(last), prefix) {
		t.Errorf("odd name %q", last)
	}
}

func TestCreateInMissingDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Create(dir); !os.IsNotExist(err) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want one that says %s does not exist", err, dir)
	}
}

// TestFailedWriteLeavesWholeEvents lets writes fail half-way through a record.
func TestFailedWriteLeavesWholeEvents(t *testing.T) {
	if os.Getenv("EVENTS_TEST_LIMIT") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFailedWriteLeavesWholeEvents$")
		cmd.Env = append(os.Environ(), "EVENTS_TEST_LIMIT=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	w, err := Create(t.TempDir())
	w = must(t, w, err)
	mustWrite(t, w, 1, Scalar{"a", 1})
	setFileSizeLimit(t, uint64(w.size)+20)
	if err := w.Write(2, Scalar{"a", 2}); err == nil {
		t.Fatal("no error past the limit")
	}
	if got := decode(t, w.Path()); len(got) != 2 || got[1].step != 1 {
		t.Errorf("got %+v, want the first two events", got)
	}
	setFileSizeLimit(t, math.MaxInt64)
	mustWrite(t, w, 3, Scalar{"a", 3})
	if got := decode(t, w.Path()); len(got) != 3 || got[2].step != 3 {
		t.Errorf("got %+v, want the event after the failed one", got)
	}
}

func TestTensorBoardReadsThem(t *testing.T) {
	python := findPython(t)
	dir := t.TempDir()
	first, err := Create(dir)
	first = must(t, first, err)
	mustWrite(t, first, 1, Scalar{"train/loss", 2.5}, Scalar{"validation/accuracy", 0.5})
	mustWrite(t, first, 2, Scalar{"train/loss", 2.25})
	mustWrite(t, first, 3, Scalar{"train/loss", 99}) // done again after the restart
	// A record that a crash cut short.
	if _, err := first.file.WriteAt(frame([]byte("cut"))[:10], first.size); err != nil {
		t.Fatal(err)
	}
	second, err := Resume(dir, 2)
	second = must(t, second, err)
	mustWrite(t, second, 3, Scalar{"train/loss", 2})
	mustWrite(t, second, 4, Scalar{"train/loss", 0.1})

	cmd := exec.Command(python, filepath.Join("testdata", "read_events.py"), dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type point struct {
		Step  int64
		Value float64
	}
	var got map[string][]point
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string][]point{
		"train/loss":          {{1, 2.5}, {2, 2.25}, {3, 2}, {4, float64(float32(0.1))}},
		"validation/accuracy": {{1, 0.5}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scalars (-want +got):\n%s", diff)
	}
}

// findPython finds a Python with the tensorboard package, which only this test
// needs: $GOPET_TEST_PYTHON, or the one that `make test` sets up.
func findPython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("GOPET_TEST_PYTHON")
	if python == "" {
		cache := os.Getenv("GOPET_CACHE")
		if cache == "" {
			user, err := os.UserCacheDir()
			if err != nil {
				t.Skipf("no Python with tensorboard: set GOPET_TEST_PYTHON (%v)", err)
			}
			cache = filepath.Join(user, "gopet")
		}
		python = filepath.Join(cache, "venv-test", "bin", "python")
		if _, err := os.Stat(python); err != nil {
			t.Skip("no Python with tensorboard: run `make test`, or set GOPET_TEST_PYTHON")
		}
	}
	return python
}

func setFileSizeLimit(t *testing.T, bytes uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: bytes, Max: math.MaxUint64}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}
