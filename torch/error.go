package torch

import (
	"github.com/gopet-ml/gopet/torch/internal/ctorch"
)

// Error is what went wrong in one operation: Op, Kind and a one-line Msg.
type Error = ctorch.Error

// Kind sorts errors by what a caller can do about them.
type Kind = ctorch.Kind

// Sentinels for errors.Is, one for each kind worth telling apart.
var (
	// ErrOutOfMemory: a smaller batch, or another device, may do.
	ErrOutOfMemory error = &Error{Kind: ctorch.KindOutOfMemory}
	// ErrIndex: an index beyond its dimension.
	ErrIndex error = &Error{Kind: ctorch.KindIndex}
	// ErrValue: shapes, dtypes or arguments that don't fit the operation.
	ErrValue error = &Error{Kind: ctorch.KindValue}
	// ErrNotImplemented: the operation has no kernel for this dtype or device.
	ErrNotImplemented error = &Error{Kind: ctorch.KindNotImplemented}
	// ErrDevice: the device is not there; the message says why.
	ErrDevice error = &Error{Kind: ctorch.KindDevice}
	// ErrScope: operands whose scopes don't fit together, or a tensor used
	// after it was freed.
	ErrScope error = &Error{Kind: ctorch.KindScope}
)

// must panics with err when there is one.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// scopeError panics about the life of a tensor.
func scopeError(op, msg string) {
	panic(&Error{Op: op, Kind: ctorch.KindScope, Msg: msg})
}

// Try runs f and returns the *Error it panicked with, if it did. Other panics
// go on.
func Try(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			err = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}
