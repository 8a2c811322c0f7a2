package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// newDecoder returns a decoder of data, one JSON value in UTF-8.
func newDecoder(data []byte) (*json.Decoder, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(data) {
		return nil, errors.New("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return dec, nil
}

// decodeObject reads one JSON object, calling member at each value. Unlike
// encoding/json it refuses a key that comes twice, which another reader might
// take the other way.
func decodeObject(dec *json.Decoder, member func(key string) error) error {
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key := token.(string) // the decoder refuses any other key
		if seen[key] {
			return fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func decodeString(dec *json.Decoder) (string, error) {
	token, err := dec.Token()
	if s, ok := token.(string); ok && err == nil {
		return s, nil
	}
	return "", errors.New("not a string")
}

// decodeCounts reads a list of whole numbers from 0 up.
func decodeCounts(dec *json.Decoder) ([]int64, error) {
	if token, err := dec.Token(); err != nil || token != json.Delim('[') {
		return nil, errors.New("not a list")
	}
	list := []int64{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, errors.New("holds something other than numbers")
		}
		n, err := number.Int64()
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s is not a whole number from 0 to 2^63-1", number)
		}
		list = append(list, n)
	}
	_, err := dec.Token()
	return list, err
}
