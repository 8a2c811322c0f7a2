package importer

import (
	"errors"
	"io"
)

// scanText passes on every line as a row, empty lines too.
func scanText(lines *lineReader, visit visitor) error {
	names := []string{"text"}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(lines.at(), names, []any{string(line)}, ""); err != nil {
			return err
		}
	}
}
