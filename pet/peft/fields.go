package peft

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fields says which values of a foreign configuration's fields gopet reads or
// may pass over. A field that is not listed must be at what is plainly a
// default, so that options of other versions are not overlooked.
type fields map[string]func(value any) bool

// anything is for fields that are read, and for those that have no bearing on
// what an adapter computes.
func anything(any) bool { return true }

// aNumber is for fields that are read where they hold a number.
func aNumber(value any) bool {
	_, ok := value.(float64)
	return ok
}

// oneOf is for fields that have none with these values.
func oneOf(values ...any) func(any) bool {
	return func(value any) bool { return slices.Contains(values, value) }
}

// with adds the fields of another list.
func (f fields) with(others fields) fields {
	all := maps.Clone(f)
	maps.Copy(all, others)
	return all
}

// check returns an error for the first field, by name, that gopet cannot honour.
func (f fields) check(config map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(config)) {
		var value any
		if err := json.Unmarshal(config[name], &value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		accepts, known := f[name]
		if !known {
			accepts = isEmpty
		}
		if !accepts(value) {
			return fmt.Errorf("%s = %s is not supported", name, abbreviate(config[name]))
		}
	}
	return nil
}

// isEmpty reports whether a value is null, false, 0, or has nothing in it.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// abbreviate is a JSON value in one short line.
func abbreviate(raw json.RawMessage) string {
	const most = 60
	text := []rune(strings.Join(strings.Fields(string(raw)), " "))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}

// decodeFields checks a configuration and sets the fields of v from it.
func decodeFields(config map[string]json.RawMessage, known fields, v any) error {
	if err := known.check(config); err != nil {
		return err
	}
	return decode(config, v)
}

// decode sets the fields of v from a configuration.
func decode(config map[string]json.RawMessage, v any) error {
	text, err := json.Marshal(config)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	return err
}
