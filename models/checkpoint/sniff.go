package checkpoint

import (
	"encoding/binary"
	"io"
)

// opener opens a file of one format.
type opener func(path string) (tensorFile, error)

func openSafetensors(path string) (tensorFile, error) {
	file, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func openPickle(path string) (tensorFile, error) {
	file, err := OpenPickle(path)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// sniff tells a file's format from its first bytes. Both may begin with the
// byte of a pickle; only safetensors has the brace of its header after the
// header's length.
func sniff(path string) (opener, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var head [prefixSize + 1]byte
	n, err := file.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case n == len(head) && head[prefixSize] == '{' && binary.LittleEndian.Uint64(head[:]) <= maxHeader:
		return openSafetensors, nil
	case n > 0 && (head[0] == pickleMagic || head[0] == zipMagic[0]):
		return openPickle, nil
	}
	return openSafetensors, nil // which says what is wrong
}
