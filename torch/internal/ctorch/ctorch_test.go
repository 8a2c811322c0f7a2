package ctorch

import (
	"errors"
	"strings"
	"testing"
)

// noLeaks stands in for internal/torchtest, which package torch and so this one
// would import in a circle.
func noLeaks(t *testing.T) {
	before := LiveTensors()
	t.Cleanup(func() {
		if live := LiveTensors(); live != before {
			t.Errorf("%d handles are alive, %d were at the start", live, before)
		}
	})
}

func TestHandlesAreCounted(t *testing.T) {
	noLeaks(t)
	before := LiveTensors()
	handles := make([]Handle, 3)
	for i := range handles {
		if err := Full(&handles[i], []int64{2, 2}, 6, -1, float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	var alias Handle
	if err := Alias(&alias, handles[0]); err != nil {
		t.Fatal(err)
	}
	if made := LiveTensors() - before; made != 4 {
		t.Errorf("%d handles counted, 4 made", made)
	}
	Free(append(handles, alias))
}

func TestAFailedCallMakesNoHandle(t *testing.T) {
	noLeaks(t)
	var a, out Handle
	if err := Full(&a, []int64{2, 3}, 6, -1, 1); err != nil {
		t.Fatal(err)
	}
	defer Free([]Handle{a})
	err := MatMul(&out, 0, a, a)
	var typed *Error
	if !errors.As(err, &typed) || typed.Kind != KindValue || typed.Op != "matmul" {
		t.Errorf("error %#v", err)
	}
	if out != 0 {
		t.Error("a handle beside the error")
	}
}

func TestAbsentGradientIsNoHandle(t *testing.T) {
	noLeaks(t)
	var a, gradient Handle
	if err := Full(&a, nil, 6, -1, 1); err != nil {
		t.Fatal(err)
	}
	defer Free([]Handle{a})
	if err := Grad(&gradient, a); err != nil || gradient != 0 {
		t.Errorf("gradient %v, error %v", gradient, err)
	}
}

func TestEmptyListsAreFine(t *testing.T) {
	noLeaks(t)
	Free(nil)
	if err := ClearGrads(nil); err != nil {
		t.Error(err)
	}
	if norm, skipped, err := AdamW(nil, AdamWOptions{Step: 1}); norm != 0 || skipped || err != nil {
		t.Errorf("AdamW of nothing: %v, %v, %v", norm, skipped, err)
	}
	var out Handle
	if err := Cat(&out, 0, nil, 0); err == nil {
		t.Error("nothing was joined without an error")
	}
}

func TestErrorIs(t *testing.T) {
	err := &Error{Op: "add", Kind: KindIndex, Msg: "m"}
	if !err.Is(&Error{Kind: KindIndex}) || err.Is(&Error{Kind: KindValue}) || err.Is(&Error{Op: "sub", Kind: KindIndex}) {
		t.Error("Is compares something other than the kind with a sentinel")
	}
	if got := oneLine("a\n  b\t\r\nc "); got != "a b c" || strings.Contains(err.Error(), "\n") {
		t.Errorf("folded to %q", got)
	}
}
