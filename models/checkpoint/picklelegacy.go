package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gopet-ml/gopet/models/checkpoint/internal/pickle"
)

const (
	// pickleMagic begins a pickle of protocol 2 or newer.
	pickleMagic = 0x80
	// legacyMagic is the number 0x1950a86a20f9469cfc6c, the first pickle.
	legacyMagic = pickle.Long("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")
	// legacyVersion is the second pickle.
	legacyVersion = int64(1001)
)

// readLegacy returns the value in a file of torch.save before PyTorch 1.6, or
// with _use_new_zipfile_serialization=False: five pickles in a row (magic
// number, version, system, value, keys of storages), then each storage's number
// of elements and elements.
func readLegacy(file io.ReaderAt, size int64) (any, error) {
	in := pickle.NewReader(file, 0, min(size, maxPickle))
	if err := readPreamble(in); err != nil {
		return nil, err
	}
	s := &storages{byKey: map[string]*storage{}, found: func(string, *storage) error { return nil }}
	value, err := pickle.Load(in, s.rules())
	if err != nil {
		return nil, err
	}
	keys, err := pickle.Load(in, pickle.Rules{})
	if err != nil {
		return nil, fmt.Errorf("keys of the storages: %w", err)
	}
	return value, s.placeInRow(keys, file, in.Offset(), size)
}

// readPreamble reads what comes before the value.
func readPreamble(in *pickle.Reader) error {
	// A pickle of Python's own comes this far, and is told what it is.
	magic, err := pickle.Load(in, pickle.Rules{Classes: classes})
	if err != nil {
		return err
	}
	if magic != any(legacyMagic) {
		return errors.New("a pickle, but not of torch.save")
	}
	version, err := pickle.Load(in, pickle.Rules{})
	if err != nil {
		return err
	}
	if version != any(legacyVersion) {
		return fmt.Errorf("another version of torch.save's format than %d", legacyVersion)
	}
	system, err := pickle.Load(in, pickle.Rules{})
	if err != nil {
		return err
	}
	return checkSystem(system)
}

func checkSystem(system any) error {
	dict, ok := system.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("description of the system is %s, not a dict", pickle.Kind(system))
	}
	for _, pair := range dict.Pairs {
		if pair.Key == any("little_endian") && pair.Value == any(true) {
			return nil
		}
	}
	return errors.New("saved on a big-endian machine: load it with PyTorch and save it again")
}

// placeInRow finds the storages, which follow each other in the order of keys.
func (s *storages) placeInRow(keys any, file io.ReaderAt, at, fileSize int64) error {
	list, ok := keys.(*pickle.List)
	if !ok {
		return fmt.Errorf("keys of the storages are %s, not a list", pickle.Kind(keys))
	}
	placed := map[string]bool{}
	for _, item := range list.Items {
		key, _ := item.(string)
		storage := s.byKey[key]
		switch {
		case storage == nil:
			return fmt.Errorf("no tensor names storage %q", key)
		case placed[key]:
			return fmt.Errorf("storage %q comes twice", key)
		}
		placed[key] = true
		var err error
		if at, err = storage.placeAt(at, file, fileSize); err != nil {
			return fmt.Errorf("storage %q: %w", key, err)
		}
	}
	for key := range s.byKey {
		if !placed[key] {
			return fmt.Errorf("storage %q is not in the file", key)
		}
	}
	if at != fileSize {
		return fmt.Errorf("%d bytes after the last storage", fileSize-at)
	}
	return nil
}

// placeAt reads the number of elements there and returns where the elements
// end.
func (s *storage) placeAt(at int64, file io.ReaderAt, fileSize int64) (int64, error) {
	var prefix [8]byte
	if fileSize-at < int64(len(prefix)) {
		return 0, errors.New("the file was cut short before it")
	}
	if _, err := file.ReadAt(prefix[:], at); err != nil {
		return 0, cutShort(err)
	}
	if elements := binary.LittleEndian.Uint64(prefix[:]); elements != uint64(s.count) {
		return 0, fmt.Errorf("has %d elements, tensors say %d", elements, s.count)
	}
	s.start = at + int64(len(prefix))
	if s.numBytes() > fileSize-s.start {
		return 0, fmt.Errorf("%d bytes do not fit in the file: it was cut short", s.numBytes())
	}
	return s.start + s.numBytes(), nil
}
