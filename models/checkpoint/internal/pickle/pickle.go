// Package pickle reads Python pickles of plain data and executes nothing.
//
// A pickle is a program for a small stack machine, and Python's own reader
// runs any function that one names. This one knows the opcodes that build
// strings, numbers, tuples, lists and dictionaries (protocols 2 to 5, as
// torch.save writes them), and a list of classes that its caller allows. A
// pickle that names another class, or does anything else, is refused by the
// name of the class or opcode.
//
// https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the
// opcodes.
package pickle

import "fmt"

// maxSteps bounds the memory of a pickle whose every byte makes an object. A
// step takes about a hundred bytes at most; torch.save spends 40 on a tensor.
const maxSteps = 5_000_000

// Call makes the value of an allowed class from the arguments it is called
// with. Arguments may be shared with other values and must not be changed.
type Call func(args Tuple) (any, error)

// Rules say what a pickle may name.
type Rules struct {
	// Classes are those that may be named, as "module.name"; nil for a class
	// that may not be called.
	Classes map[string]Call
	// Persistent makes the value that a persistent identifier stands for; nil
	// refuses all of them.
	Persistent func(id any) (any, error)
}

// Load reads one pickle and leaves r behind its end. The values it returns are
// nil, bool, int64, float64, string, [Bytes], [Long], [Tuple], [*List],
// [*Dict], [Class], and what the rules make; they may refer to themselves.
func Load(r *Reader, rules Rules) (any, error) {
	m := &machine{in: r, rules: rules, memo: map[uint64]any{}}
	if err := m.start(); err != nil {
		return nil, fmt.Errorf("pickle: %w", err)
	}
	for ; m.steps < maxSteps; m.steps++ {
		at := r.Offset()
		code, err := r.Byte()
		if err != nil {
			return nil, fmt.Errorf("pickle: %w", err)
		}
		if code == stop {
			return m.finish(at)
		}
		if err := m.step(code); err != nil {
			return nil, fmt.Errorf("pickle: byte %d: %s: %w", at, operations[code].name, err)
		}
	}
	return nil, fmt.Errorf("pickle: %w", errSteps)
}
