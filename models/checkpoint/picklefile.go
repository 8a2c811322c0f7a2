package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gopet-ml/gopet/models/checkpoint/internal/pickle"
)

// maxPickle is the longest pickle that is read, the limit of a safetensors
// header; the data of tensors is no part of it.
const maxPickle = maxHeader

// PickleFile is a checkpoint that torch.save wrote (.bin, .pt), open for
// reading: a zip archive, or the stream of pickles of PyTorch before 1.6. It
// holds one flat dictionary of tensors by name, a module's state_dict. Its
// methods may be called from many goroutines.
type PickleFile struct {
	file   *os.File
	names  []string // in the order of the dictionary
	byName map[string]*strided
}

// OpenPickle opens a file of torch.save and checks all that it says of its
// tensors. Its pickle is read by an interpreter that executes nothing: one that
// names a class other than those of tensors is refused by the name of the
// class. The caller closes the file.
func OpenPickle(path string) (*PickleFile, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	p := &PickleFile{file: file, byName: map[string]*strided{}}
	if err := p.read(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func (p *PickleFile) read() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	var magic [4]byte
	if size < int64(len(magic)) {
		return fmt.Errorf("%d bytes are too few for a file of torch.save", size)
	}
	if _, err := p.file.ReadAt(magic[:], 0); err != nil {
		return cutShort(err)
	}
	var value any
	switch {
	case string(magic[:]) == zipMagic:
		value, err = readZip(p.file, size)
	case magic[0] == pickleMagic:
		value, err = readLegacy(p.file, size)
	default:
		err = errors.New("neither a zip archive nor a pickle: not a file of torch.save")
	}
	if err != nil {
		return err
	}
	return p.list(value, size)
}

// list takes the tensors out of what was pickled.
func (p *PickleFile) list(value any, fileSize int64) error {
	dict, ok := value.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("holds %s, not a dict: want a module's state_dict", pickle.Kind(value))
	}
	for _, pair := range dict.Pairs {
		name, ok := pair.Key.(string)
		if !ok {
			return fmt.Errorf("a key is %s, not a str: want the names of tensors", pickle.Kind(pair.Key))
		}
		tensor, ok := pair.Value.(*strided)
		if !ok {
			return fmt.Errorf("%q is %s, not a tensor: want a flat state_dict", name, pickle.Kind(pair.Value))
		}
		if p.byName[name] != nil {
			return fmt.Errorf("tensor %q comes twice", name)
		}
		if err := tensor.check(fileSize); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		p.byName[name] = tensor
		p.names = append(p.names, name)
	}
	return nil
}

// Close closes the file.
func (p *PickleFile) Close() error { return p.file.Close() }

// Names returns the tensors' names in the order of the dictionary.
func (p *PickleFile) Names() []string { return slices.Clone(p.names) }

// Info describes the tensor of that name, if there is one.
func (p *PickleFile) Info(name string) (Info, bool) {
	t, ok := p.byName[name]
	if !ok {
		return Info{}, false
	}
	return Info{name, t.dtype, slices.Clone(t.shape)}, true
}

// ReadInto reads the data of the tensor of that name into dst, which must have
// exactly its size in bytes, in row-major order whatever order it is stored in.
// On an error dst may hold a part.
func (p *PickleFile) ReadInto(name string, dst []byte) error {
	info, ok := p.Info(name)
	if !ok {
		return fmt.Errorf("%s: no tensor %q", p.file.Name(), name)
	}
	if need := info.NumBytes(); int64(len(dst)) != need {
		return fmt.Errorf("%s: tensor %q has %d bytes, not the %d asked for", p.file.Name(), name, need, len(dst))
	}
	if err := p.byName[name].readInto(dst, p.file); err != nil {
		return fmt.Errorf("%s: tensor %q: %w", p.file.Name(), name, cutShort(err))
	}
	return nil
}

// Tied lists the groups of names, two or more, that are one tensor: the same
// elements of the same storage.
func (p *PickleFile) Tied() [][]string {
	groups := map[string][]string{}
	var order []string
	for _, name := range p.names {
		key, ok := p.byName[name].identity()
		if !ok {
			continue
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], name)
	}
	var tied [][]string
	for _, key := range order {
		if len(groups[key]) > 1 {
			tied = append(tied, groups[key])
		}
	}
	return tied
}
