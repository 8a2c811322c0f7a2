package pickle

import (
	"errors"
	"fmt"
)

// machine runs one pickle.
type machine struct {
	in    *Reader
	rules Rules
	stack []any
	marks []int // lengths of the stack when MARK was read
	memo  map[uint64]any
	steps int
}

var (
	errStack = errors.New("the stack holds too little")
	errMark  = errors.New("no MARK before it")
	errSteps = fmt.Errorf("more than %d steps", maxSteps)
)

// start reads the protocol. Those before 2 have none, and spell values as text.
func (m *machine) start() error {
	code, err := m.in.Byte()
	if err != nil {
		return err
	}
	if code != proto {
		return fmt.Errorf("byte %d: begins with 0x%02x, not with a protocol from 2 to 5", m.in.Offset()-1, code)
	}
	version, err := m.in.Byte()
	if err == nil && (version < 2 || version > 5) {
		err = fmt.Errorf("protocol %d: want 2 to 5", version)
	}
	return err
}

// finish takes the result off the stack.
func (m *machine) finish(at int64) (any, error) {
	if len(m.stack) != 1 || len(m.marks) != 0 {
		return nil, fmt.Errorf("pickle: byte %d: ends with %d values on its stack, not 1", at, len(m.stack))
	}
	return m.stack[0], nil
}

func (m *machine) step(code byte) error {
	run := operations[code].run
	if run == nil {
		return errors.New("not an opcode of plain data")
	}
	return run(m)
}

func (m *machine) push(value any) error {
	m.stack = append(m.stack, value)
	return nil
}

// bottom is where the values since the last MARK begin: no opcode but those
// that take the mark reaches below it.
func (m *machine) bottom() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

// top returns the uppermost value and leaves it.
func (m *machine) top() (any, error) {
	if len(m.stack) == m.bottom() {
		return nil, errStack
	}
	return m.stack[len(m.stack)-1], nil
}

// pop takes the n uppermost values off, the lowest first. They are good until
// the next push.
func (m *machine) pop(n int) ([]any, error) {
	if len(m.stack)-m.bottom() < n {
		return nil, errStack
	}
	rest := len(m.stack) - n
	values := m.stack[rest:]
	m.stack = m.stack[:rest]
	return values, nil
}

// popMark takes all values above the last MARK off, and the MARK.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errMark
	}
	values, err := m.pop(len(m.stack) - m.bottom())
	m.marks = m.marks[:len(m.marks)-1]
	return values, err
}

// remember keeps the uppermost value under an index of the memo.
func (m *machine) remember(index uint64) error {
	value, err := m.top()
	if err != nil {
		return err
	}
	m.memo[index] = value
	return nil
}

func (m *machine) recall(index uint64) error {
	value, ok := m.memo[index]
	if !ok {
		return fmt.Errorf("nothing is kept under %d", index)
	}
	return m.push(value)
}

// class checks that a name is allowed.
func (m *machine) class(module, name string) (Class, error) {
	full := module + "." + name
	if _, ok := m.rules.Classes[full]; !ok && full != orderedDict {
		return "", fmt.Errorf("class %q is not one of a checkpoint's; nothing was run", full)
	}
	return Class(full), nil
}

// call makes the value of a class.
func (m *machine) call(class Class, args Tuple) (any, error) {
	if class == orderedDict {
		return m.orderedDict(args)
	}
	call := m.rules.Classes[string(class)]
	if call == nil {
		return nil, fmt.Errorf("class %q may not be called; nothing was run", string(class))
	}
	value, err := call(args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", class, err)
	}
	return value, nil
}

// orderedDict is called with nothing, or as Python 2 did with a list of pairs.
// The list may serve many times, so its items count as steps.
func (m *machine) orderedDict(args Tuple) (any, error) {
	d := &Dict{ordered: true}
	if len(args) == 0 {
		return d, nil
	}
	list, ok := args[0].(*List)
	if !ok || len(args) > 1 {
		return nil, fmt.Errorf("%s is called with something other than one list", orderedDict)
	}
	if m.steps += len(list.Items); m.steps > maxSteps {
		return nil, errSteps
	}
	for _, item := range list.Items {
		if pair, ok := item.(*List); ok {
			item = Tuple(pair.Items)
		}
		pair, ok := item.(Tuple)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("%s is called with a list of something other than pairs", orderedDict)
		}
		d.Pairs = append(d.Pairs, Pair{pair[0], pair[1]})
	}
	return d, nil
}
