package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// scanJSONLines passes on every line's object; blank lines are passed over.
func scanJSONLines(lines *lineReader, visit visitor) error {
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		names, values, err := parseObject(line)
		if err != nil {
			return lines.at().errorf("%w", err)
		}
		if err := visit(lines.at(), names, values, ""); err != nil {
			return err
		}
	}
}

var errNotObject = errors.New("not a JSON object: JSON lines hold one object a line")

// parseObject returns the members in the order they are written.
func parseObject(line []byte) (names []string, values []any, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, errNotObject
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("malformed JSON: %w", err)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, nil, fmt.Errorf("malformed JSON: %w", err)
		}
		if value, err = jsonValue(value); err != nil {
			return nil, nil, fmt.Errorf("column %q: %w", name, err)
		}
		names = append(names, name.(string)) // a member's name is nothing else
		values = append(values, value)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("malformed JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("more than one JSON value in a line")
	}
	return names, values, nil
}

func jsonValue(value any) (any, error) {
	switch v := value.(type) {
	case nil, string, bool:
		return v, nil
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return whole, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("number %s is out of range", v)
		}
		return f, nil
	case []any:
		list := make([]string, len(v))
		for i, element := range v {
			text, ok := element.(string)
			if !ok {
				return nil, errors.New("a list may hold texts only")
			}
			list[i] = text
		}
		return list, nil
	default:
		return nil, errors.New("an object within a row cannot be stored: flatten it first")
	}
}
