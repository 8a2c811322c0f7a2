package ctorch

// #include "gopet_torch.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

// Kind sorts errors by what a caller can do about them.
type Kind int32

// The kinds of errors that libtorch's exceptions become.
const (
	KindOutOfMemory    Kind = C.GT_ERROR_OUT_OF_MEMORY
	KindIndex          Kind = C.GT_ERROR_INDEX
	KindValue          Kind = C.GT_ERROR_VALUE
	KindNotImplemented Kind = C.GT_ERROR_NOT_IMPLEMENTED
	KindDevice         Kind = C.GT_ERROR_DEVICE
	KindUnknown        Kind = C.GT_ERROR_UNKNOWN
	// KindScope is raised by package torch itself: operands whose scopes
	// don't fit together, or a tensor used after its scope was closed.
	KindScope Kind = 100
)

// Error is what went wrong in one operation.
type Error struct {
	Op   string // the operation, in libtorch's words
	Kind Kind
	Msg  string // one line, with the shapes where they matter
}

func (e *Error) Error() string { return fmt.Sprintf("torch: %s: %s", e.Op, e.Msg) }

// Is reports whether target is an Error of the same kind that names no operation.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Op == "" && t.Kind == e.Kind
}

func check(op string, e C.gt_error) error {
	if e.kind == C.GT_OK {
		return nil
	}
	msg := "no message: memory is exhausted"
	if e.message != nil {
		msg = oneLine(C.GoString(e.message))
		C.gt_free(unsafe.Pointer(e.message))
	}
	return &Error{Op: op, Kind: Kind(e.kind), Msg: msg}
}

// oneLine folds a message, whose later lines libtorch uses for backtraces and advice.
func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}
