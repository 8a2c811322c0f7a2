package batch

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is a panic of a row source, a task or an encoder, caught so
// that it does not end the program. Its message is one line; Stack says where
// it happened.
type PanicError struct {
	During string // what was being done
	Value  any    // what the panic was given
	Stack  []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic while %s: %v", e.During, e.Value) }

// recoverTo makes a panic of the function that defers it its error.
func recoverTo(err *error, during string) {
	if p := recover(); p != nil {
		*err = &PanicError{During: during, Value: p, Stack: debug.Stack()}
	}
}
