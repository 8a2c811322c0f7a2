package pickle

import "fmt"

// Bytes is a Python bytes object.
type Bytes string

// Long is an integer beyond 64 bits: two's complement, little-endian.
type Long string

// Tuple is a tuple.
type Tuple []any

// List is a list.
type List struct{ Items []any }

// Dict is a dictionary in the order of its insertions. A key that was set
// twice is there twice.
type Dict struct {
	Pairs   []Pair
	ordered bool // a collections.OrderedDict, which may have a state
}

// Pair is a key of a dictionary and its value.
type Pair struct{ Key, Value any }

// Class is the full name of a class or function that the rules allow.
type Class string

// orderedDict is the one class with a meaning to this package.
const orderedDict = "collections.OrderedDict"

// Kind names the Python type of a value, for messages.
func Kind(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, Long:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a str"
	case Bytes:
		return "bytes"
	case Tuple:
		return "a tuple"
	case *List:
		return "a list"
	case *Dict:
		return "a dict"
	case Class:
		return fmt.Sprintf("the class %q", string(v))
	default:
		return "an object"
	}
}
