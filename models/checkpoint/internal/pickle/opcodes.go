package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

const (
	stop  = '.'
	proto = 0x80
)

// operation is what an opcode does. Those that plain data does not need have a
// name alone, to be refused by.
type operation struct {
	name string
	run  func(*machine) error
}

// operations are Python's opcodes by their code. It is filled by init, for the
// functions in it come to it again.
var operations [256]operation

func init() {
	for code := range operations {
		operations[code].name = fmt.Sprintf("opcode 0x%02x", code)
	}
	for code, op := range map[byte]operation{
		proto: {"PROTO", nil}, // at the beginning alone
		0x95:  {"FRAME", (*machine).frame},

		'N':  {"NONE", func(m *machine) error { return m.push(nil) }},
		0x88: {"NEWTRUE", func(m *machine) error { return m.push(true) }},
		0x89: {"NEWFALSE", func(m *machine) error { return m.push(false) }},
		'K':  {"BININT1", whole(1)},
		'M':  {"BININT2", whole(2)},
		'J':  {"BININT", (*machine).int32},
		0x8a: {"LONG1", long(1)},
		0x8b: {"LONG4", long(4)},
		'G':  {"BINFLOAT", (*machine).float},

		0x8c: {"SHORT_BINUNICODE", text(1)},
		'X':  {"BINUNICODE", text(4)},
		0x8d: {"BINUNICODE8", text(8)},
		'U':  {"SHORT_BINSTRING", text(1)}, // a str of Python 2
		'T':  {"BINSTRING", text(4)},
		'C':  {"SHORT_BINBYTES", bytes(1)},
		'B':  {"BINBYTES", bytes(4)},
		0x8e: {"BINBYTES8", bytes(8)},

		'(':  {"MARK", (*machine).mark},
		')':  {"EMPTY_TUPLE", func(m *machine) error { return m.push(Tuple{}) }},
		0x85: {"TUPLE1", tuple(1)},
		0x86: {"TUPLE2", tuple(2)},
		0x87: {"TUPLE3", tuple(3)},
		't':  {"TUPLE", (*machine).tuple},
		']':  {"EMPTY_LIST", func(m *machine) error { return m.push(&List{}) }},
		'a':  {"APPEND", func(m *machine) error { return m.extend(m.pop(1)) }},
		'e':  {"APPENDS", func(m *machine) error { return m.extend(m.popMark()) }},
		'}':  {"EMPTY_DICT", func(m *machine) error { return m.push(&Dict{}) }},
		's':  {"SETITEM", func(m *machine) error { return m.set(m.pop(2)) }},
		'u':  {"SETITEMS", func(m *machine) error { return m.set(m.popMark()) }},

		'q':  {"BINPUT", put(1)},
		'r':  {"LONG_BINPUT", put(4)},
		0x94: {"MEMOIZE", func(m *machine) error { return m.remember(uint64(len(m.memo))) }},
		'h':  {"BINGET", get(1)},
		'j':  {"LONG_BINGET", get(4)},

		'c':  {"GLOBAL", (*machine).global},
		0x93: {"STACK_GLOBAL", (*machine).stackGlobal},
		'R':  {"REDUCE", (*machine).reduce},
		'b':  {"BUILD", (*machine).build},
		'Q':  {"BINPERSID", (*machine).persistent},

		// These make an object of a class in other ways; named, to be refused so.
		'i':  {"INST", (*machine).inst},
		'o':  {"OBJ", func(m *machine) error { return refuseObject(m.popMark()) }},
		0x81: {"NEWOBJ", func(m *machine) error { return refuseObject(m.pop(2)) }},
		0x92: {"NEWOBJ_EX", func(m *machine) error { return refuseObject(m.pop(3)) }},
		0x82: {"EXT1", nil}, 0x83: {"EXT2", nil}, 0x84: {"EXT4", nil},

		'0': {"POP", nil}, '1': {"POP_MARK", nil}, '2': {"DUP", nil},
		'd': {"DICT", nil}, 'l': {"LIST", nil}, 'g': {"GET", nil}, 'p': {"PUT", nil}, 'P': {"PERSID", nil},
		'I': {"INT", nil}, 'L': {"LONG", nil}, 'F': {"FLOAT", nil}, 'S': {"STRING", nil}, 'V': {"UNICODE", nil},
		0x8f: {"EMPTY_SET", nil}, 0x90: {"ADDITEMS", nil}, 0x91: {"FROZENSET", nil},
		0x96: {"BYTEARRAY8", nil}, 0x97: {"NEXT_BUFFER", nil}, 0x98: {"READONLY_BUFFER", nil},
	} {
		operations[code] = op
	}
}

// frame skips the length of a part of the pickle, of use to who reads ahead.
func (m *machine) frame() error {
	_, err := m.in.uint(8)
	return err
}

// whole reads an unsigned number of that many bytes.
func whole(size int) func(*machine) error {
	return func(m *machine) error {
		value, err := m.in.uint(size)
		if err != nil {
			return err
		}
		return m.push(int64(value))
	}
}

func (m *machine) int32() error {
	value, err := m.in.uint(4)
	if err != nil {
		return err
	}
	return m.push(int64(int32(value)))
}

// long reads a signed number with its own length, itself of that many bytes.
func long(size int) func(*machine) error {
	const longest = 255 // torch's own magic number has 10
	return func(m *machine) error {
		length, err := m.in.uint(size)
		if err != nil {
			return err
		}
		if length > longest {
			return fmt.Errorf("an int of %d bytes: want at most %d", length, longest)
		}
		data, err := m.in.bytes(length)
		if err != nil {
			return err
		}
		if length > 8 {
			return m.push(Long(data))
		}
		var extended [8]byte
		if length > 0 && data[length-1] >= 0x80 {
			binary.LittleEndian.PutUint64(extended[:], math.MaxUint64)
		}
		copy(extended[:], data)
		return m.push(int64(binary.LittleEndian.Uint64(extended[:])))
	}
}

func (m *machine) float() error {
	data, err := m.in.bytes(8)
	if err != nil {
		return err
	}
	return m.push(math.Float64frombits(binary.BigEndian.Uint64(data)))
}

// sized reads a length of that many bytes and then as many bytes.
func (m *machine) sized(size int) ([]byte, error) {
	length, err := m.in.uint(size)
	if err != nil {
		return nil, err
	}
	return m.in.bytes(length)
}

func text(size int) func(*machine) error {
	return func(m *machine) error {
		data, err := m.sized(size)
		if err != nil {
			return err
		}
		if !utf8.Valid(data) {
			return errors.New("a str that is not UTF-8")
		}
		return m.push(string(data))
	}
}

func bytes(size int) func(*machine) error {
	return func(m *machine) error {
		data, err := m.sized(size)
		if err != nil {
			return err
		}
		return m.push(Bytes(data))
	}
}

func (m *machine) mark() error {
	m.marks = append(m.marks, len(m.stack))
	return nil
}

func tuple(n int) func(*machine) error {
	return func(m *machine) error {
		values, err := m.pop(n)
		if err != nil {
			return err
		}
		return m.push(Tuple(slices.Clone(values)))
	}
}

func (m *machine) tuple() error {
	values, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(Tuple(slices.Clone(values)))
}

// extend appends values to the list below them.
func (m *machine) extend(values []any, err error) error {
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	list, ok := target.(*List)
	if !ok {
		return fmt.Errorf("appends to %s, not to a list", Kind(target))
	}
	list.Items = append(list.Items, values...)
	return nil
}

// set puts keys and values into the dictionary below them.
func (m *machine) set(values []any, err error) error {
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	dict, ok := target.(*Dict)
	if !ok {
		return fmt.Errorf("sets items of %s, not of a dict", Kind(target))
	}
	if len(values)%2 != 0 {
		return errors.New("a key without a value")
	}
	for i := 0; i < len(values); i += 2 {
		dict.Pairs = append(dict.Pairs, Pair{values[i], values[i+1]})
	}
	return nil
}

func put(size int) func(*machine) error {
	return func(m *machine) error {
		index, err := m.in.uint(size)
		if err != nil {
			return err
		}
		return m.remember(index)
	}
}

func get(size int) func(*machine) error {
	return func(m *machine) error {
		index, err := m.in.uint(size)
		if err != nil {
			return err
		}
		return m.recall(index)
	}
}

func (m *machine) global() error {
	class, err := m.readClass()
	if err != nil {
		return err
	}
	return m.push(class)
}

func (m *machine) readClass() (Class, error) {
	module, err := m.in.line()
	if err != nil {
		return "", err
	}
	name, err := m.in.line()
	if err != nil {
		return "", err
	}
	return m.class(module, name)
}

func (m *machine) stackGlobal() error {
	names, err := m.pop(2)
	if err != nil {
		return err
	}
	module, ok := names[0].(string)
	name, also := names[1].(string)
	if !ok || !also {
		return errors.New("the name of a class is not a str")
	}
	class, err := m.class(module, name)
	if err != nil {
		return err
	}
	return m.push(class)
}

func (m *machine) reduce() error {
	values, err := m.pop(2)
	if err != nil {
		return err
	}
	class, ok := values[0].(Class)
	if !ok {
		return fmt.Errorf("calls %s, which is no class", Kind(values[0]))
	}
	args, ok := values[1].(Tuple)
	if !ok {
		return fmt.Errorf("calls %q with %s, not with a tuple", string(class), Kind(values[1]))
	}
	value, err := m.call(class, args)
	if err != nil {
		return err
	}
	return m.push(value)
}

// build drops the state of an OrderedDict: torch keeps versions of modules
// there, and nothing of the weights.
func (m *machine) build() error {
	if _, err := m.pop(1); err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	if dict, ok := target.(*Dict); !ok || !dict.ordered {
		return fmt.Errorf("sets the state of %s, not of a %s", Kind(target), orderedDict)
	}
	return nil
}

func (m *machine) persistent() error {
	id, err := m.pop(1)
	if err != nil {
		return err
	}
	if m.rules.Persistent == nil {
		return errors.New("a persistent identifier, where none belongs")
	}
	value, err := m.rules.Persistent(id[0])
	if err != nil {
		return err
	}
	return m.push(value)
}

// inst is refused by the name of its class, which stands in the opcode.
func (m *machine) inst() error {
	class, err := m.readClass()
	if err != nil {
		return err
	}
	return refuseObject([]any{class}, nil)
}

// refuseObject refuses an opcode that makes an object of the class first in
// values.
func refuseObject(values []any, err error) error {
	if err != nil {
		return err
	}
	if len(values) == 0 {
		return errStack
	}
	return fmt.Errorf("makes an object of %s; nothing was run", Kind(values[0]))
}
