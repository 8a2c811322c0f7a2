package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// File is one safetensors file, open for reading. Its methods may be called
// from many goroutines.
type File struct {
	file      *os.File
	dataStart int64
	header    header
	byName    map[string]entry
}

// OpenFile opens a safetensors file and checks all of its header. The caller
// closes it.
func OpenFile(path string) (*File, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file}
	if err := f.readHeader(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// openRegular does not wait for a pipe's writer, as os.Open would.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	return os.Open(path)
}

func (f *File) readHeader() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	var prefix [prefixSize]byte
	if size < prefixSize {
		return fmt.Errorf("%d bytes are too few for a safetensors file", size)
	}
	if _, err := f.file.ReadAt(prefix[:], 0); err != nil {
		return cutShort(err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return fmt.Errorf("header of %d bytes is above the limit of %d: not a safetensors file", length, maxHeader)
	}
	f.dataStart = prefixSize + int64(length)
	if f.dataStart > size {
		return fmt.Errorf("header of %d bytes does not fit in a file of %d: it was cut short", length, size)
	}
	text := make([]byte, length)
	if _, err := f.file.ReadAt(text, prefixSize); err != nil {
		return cutShort(err)
	}
	f.header, err = parseHeader(text, size-f.dataStart)
	if err != nil {
		return err
	}
	f.byName = make(map[string]entry, len(f.header.entries))
	for _, e := range f.header.entries {
		f.byName[e.Name] = e
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Names returns the tensors' names in the order of their data.
func (f *File) Names() []string {
	names := make([]string, len(f.header.entries))
	for i, e := range f.header.entries {
		names[i] = e.Name
	}
	return names
}

// Info describes the tensor of that name, if there is one.
func (f *File) Info(name string) (Info, bool) {
	e, ok := f.byName[name]
	info := e.Info
	info.Shape = slices.Clone(info.Shape)
	return info, ok
}

// Metadata returns the header's free-form strings, empty if it has none.
func (f *File) Metadata() map[string]string { return maps.Clone(f.header.metadata) }

// Tied lists the groups of names that are one tensor. The format has none.
func (f *File) Tied() [][]string { return nil }

// ReadInto reads the data of the tensor of that name into dst, which must have
// exactly its size in bytes. On an error dst may hold a part.
func (f *File) ReadInto(name string, dst []byte) error {
	e, ok := f.byName[name]
	if !ok {
		return fmt.Errorf("%s: no tensor %q", f.file.Name(), name)
	}
	if int64(len(dst)) != e.end-e.begin {
		return fmt.Errorf("%s: tensor %q has %d bytes, not the %d asked for", f.file.Name(), name, e.end-e.begin, len(dst))
	}
	if err := readAt(f.file, dst, f.dataStart+e.begin); err != nil {
		return fmt.Errorf("%s: tensor %q: %w", f.file.Name(), name, cutShort(err))
	}
	return nil
}

// cutShort words the end of a file that was long enough when it was opened.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file was cut short while it was read: %w", io.ErrUnexpectedEOF)
	}
	return err
}
