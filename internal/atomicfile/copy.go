package atomicfile

import (
	"io"
	"os"
)

// Copy copies a file into a directory that WriteDir is filling: what is there
// of it when it fails goes with the directory.
func Copy(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	defer target.Close()
	if _, err := io.Copy(target, source); err != nil {
		return err
	}
	return target.Close()
}
