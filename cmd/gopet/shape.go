package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseShape reads BATCHxLENGTH, such as 16x128.
func parseShape(text string) (rows, length int, err error) {
	first, second, _ := strings.Cut(text, "x")
	rows, errRows := strconv.Atoi(first)
	length, errLength := strconv.Atoi(second)
	if errRows != nil || errLength != nil || rows < 1 || length < 1 {
		return 0, 0, fmt.Errorf("shape %q: want BATCHxLENGTH, such as 16x128", text)
	}
	return rows, length, nil
}
