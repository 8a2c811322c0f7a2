package t5

import (
	"bytes"
	"slices"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

// sameTensor reports whether two keys of a checkpoint hold the same values;
// not where either is missing.
func sameTensor(c *checkpoint.Checkpoint, a, b string) (bool, error) {
	for _, group := range c.Tied() {
		if slices.Contains(group, a) && slices.Contains(group, b) {
			return true, nil
		}
	}
	first, ok := c.Info(a)
	second, too := c.Info(b)
	if !ok || !too || first.DType != second.DType || !slices.Equal(first.Shape, second.Shape) {
		return false, nil
	}
	x, err := read(c, first)
	if err != nil {
		return false, err
	}
	y, err := read(c, second)
	return bytes.Equal(x, y), err
}

func read(c *checkpoint.Checkpoint, info checkpoint.Info) ([]byte, error) {
	data := make([]byte, info.NumBytes())
	return data, c.ReadInto(info.Name, data)
}
