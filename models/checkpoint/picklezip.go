package checkpoint

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gopet-ml/gopet/models/checkpoint/internal/pickle"
)

// zipMagic begins a zip archive that is not empty.
const zipMagic = "PK\x03\x04"

// archive is what torch.save writes from PyTorch 1.6 on: under one folder the
// pickle data.pkl and each storage as data/KEY, none of them compressed, so
// that they can be read in place.
type archive struct {
	file    io.ReaderAt
	size    int64
	folder  string
	records map[string]*zip.File
}

// readZip returns the value of the pickle in an archive.
func readZip(file io.ReaderAt, size int64) (any, error) {
	a, err := openArchive(file, size)
	if err != nil {
		return nil, fmt.Errorf("zip archive: %w", err)
	}
	if err := a.checkByteOrder(); err != nil {
		return nil, err
	}
	start, length, err := a.locate("data.pkl")
	if err != nil {
		return nil, err
	}
	if length > maxPickle {
		return nil, fmt.Errorf("data.pkl: %d bytes are above the limit of %d", length, maxPickle)
	}
	s := &storages{byKey: map[string]*storage{}, found: a.place}
	return pickle.Load(pickle.NewReader(file, start, start+length), s.rules())
}

func openArchive(file io.ReaderAt, size int64) (*archive, error) {
	directory, err := zip.NewReader(file, size)
	if err != nil {
		return nil, fmt.Errorf("%w: damaged or cut short", err)
	}
	a := &archive{file: file, size: size, records: map[string]*zip.File{}}
	for _, record := range directory.File {
		if a.records[record.Name] != nil {
			return nil, fmt.Errorf("record %q comes twice", record.Name)
		}
		a.records[record.Name] = record
		if folder, ok := strings.CutSuffix(record.Name, "/data.pkl"); ok && !strings.Contains(folder, "/") {
			if a.folder != "" {
				return nil, errors.New("two records data.pkl")
			}
			a.folder = folder
		}
	}
	switch {
	case a.folder == "":
		return nil, errors.New("no record data.pkl: not a file of torch.save")
	case a.records[a.folder+"/constants.pkl"] != nil:
		return nil, errors.New("a TorchScript program, not a state_dict")
	}
	return a, nil
}

// checkByteOrder reads the record of that name, which older versions lack.
func (a *archive) checkByteOrder() error {
	const name = "byteorder"
	if a.records[a.folder+"/"+name] == nil {
		return nil
	}
	start, length, err := a.locate(name)
	if err != nil {
		return err
	}
	var text [len("little")]byte
	n := min(length, int64(len(text)))
	if _, err := a.file.ReadAt(text[:n], start); err != nil {
		return cutShort(err)
	}
	if order := string(text[:n]); order != "little" || length != n {
		return fmt.Errorf("byte order %q: want little", order)
	}
	return nil
}

// locate returns where the bytes of a record lie in the file.
func (a *archive) locate(name string) (start, size int64, err error) {
	record := a.records[a.folder+"/"+name]
	const encrypted = 1
	switch {
	case record == nil:
		return 0, 0, fmt.Errorf("no record %q", name)
	case record.Method != zip.Store || record.CompressedSize64 != record.UncompressedSize64:
		return 0, 0, fmt.Errorf("record %q is compressed, as torch.save never does: unpack the archive and pack it with zip -0", name)
	case record.Flags&encrypted != 0:
		return 0, 0, fmt.Errorf("record %q is encrypted", name)
	}
	start, err = record.DataOffset()
	if err != nil {
		return 0, 0, fmt.Errorf("record %q: %w", name, err)
	}
	if start < 0 || start > a.size || record.UncompressedSize64 > uint64(a.size-start) {
		return 0, 0, fmt.Errorf("record %q: %d bytes from %d on are beyond the file's end", name, record.UncompressedSize64, start)
	}
	return start, int64(record.UncompressedSize64), nil
}

// place finds a storage's record, which must have its size.
func (a *archive) place(key string, s *storage) error {
	start, size, err := a.locate("data/" + key)
	if err != nil {
		return err
	}
	if size != s.numBytes() {
		return fmt.Errorf("%d elements of %s need %d bytes, its record has %d", s.count, s.dtype, s.numBytes(), size)
	}
	s.start = start
	return nil
}
