package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// The names Hugging Face gives a checkpoint's files: safetensors, and what
// torch.save wrote.
const (
	SingleFile      = "model.safetensors"
	IndexFile       = "model.safetensors.index.json"
	PickleSingle    = "pytorch_model.bin"
	PickleIndexFile = "pytorch_model.bin.index.json"
)

// tensorFile is one file of tensors, of either format.
type tensorFile interface {
	Names() []string
	Info(name string) (Info, bool)
	ReadInto(name string, dst []byte) error
	Tied() [][]string
	Close() error
}

// Checkpoint is the weights of one model, open for reading: one file or several
// shards. Its methods may be called from many goroutines.
type Checkpoint struct {
	path   string
	shards []tensorFile
	byName map[string]tensorFile
}

// Open opens the weights in a model directory and checks all that their files
// say of them. It takes the first that is there of SingleFile, the shards that
// IndexFile names, PickleSingle, and the shards that PickleIndexFile names. The
// caller closes it.
func Open(dir string) (*Checkpoint, error) {
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no such model directory: %s", dir)
	} else if err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a model directory but a file", dir)
	}
	c := newCheckpoint(dir)
	if err := c.open(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// OpenWeights opens a single file of weights by its content: safetensors, or
// what torch.save wrote. The caller closes it.
func OpenWeights(path string) (*Checkpoint, error) {
	format, err := sniff(path)
	if err != nil {
		return nil, err
	}
	c := newCheckpoint(path)
	if err := c.openFile(path, format); err != nil {
		return nil, err
	}
	return c, nil
}

func newCheckpoint(path string) *Checkpoint {
	return &Checkpoint{path: path, byName: map[string]tensorFile{}}
}

// open tries the files of both formats.
func (c *Checkpoint) open() error {
	for _, form := range []struct {
		single, index string
		open          opener
	}{
		{SingleFile, IndexFile, openSafetensors},
		{PickleSingle, PickleIndexFile, openPickle},
	} {
		err := c.openFile(filepath.Join(c.path, form.single), form.open)
		if errors.Is(err, fs.ErrNotExist) {
			err = c.openShards(form.index, form.open)
		}
		if len(c.shards) > 0 || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("%s: none of %s, %s, %s and %s", c.path, SingleFile, IndexFile, PickleSingle, PickleIndexFile)
}

func (c *Checkpoint) openFile(path string, open opener) error {
	file, err := open(path)
	if err != nil {
		return err
	}
	c.add(file)
	return nil
}

func (c *Checkpoint) add(file tensorFile) {
	c.shards = append(c.shards, file)
	for _, tensor := range file.Names() {
		c.byName[tensor] = file
	}
}

// openShards opens the files that an index names.
func (c *Checkpoint) openShards(indexName string, open opener) error {
	path := filepath.Join(c.path, indexName)
	index, err := readIndex(path)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(index)) {
		shard, err := open(filepath.Join(c.path, name))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: its shard %s is missing", path, name)
		}
		if err != nil {
			return err
		}
		c.add(shard)
		if err := checkShard(shard, index[name]); err != nil {
			return fmt.Errorf("%s: shard %s: %w", path, name, err)
		}
	}
	return nil
}

// checkShard wants a shard to hold the tensors that the index lists for it and
// no others.
func checkShard(shard tensorFile, listed map[string]bool) error {
	for _, tensor := range shard.Names() {
		if !listed[tensor] {
			return fmt.Errorf("it holds tensor %q, which is not listed for it", tensor)
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(listed)) {
		if _, ok := shard.Info(tensor); !ok {
			return fmt.Errorf("it lacks tensor %q, which is listed for it", tensor)
		}
	}
	return nil
}

// Shards lists the files that an index names, sorted. They are plain names of
// files beside it.
func Shards(indexPath string) ([]string, error) {
	index, err := readIndex(indexPath)
	return slices.Sorted(maps.Keys(index)), err
}

// readIndex returns the tensors' names by the shard that holds them.
func readIndex(path string) (map[string]map[string]bool, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxHeader {
		return nil, fmt.Errorf("%s: %d bytes are above the limit of %d", path, info.Size(), maxHeader)
	}
	text := make([]byte, info.Size())
	if _, err := file.ReadAt(text, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", path, cutShort(err))
	}
	index, err := parseIndex(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return index, nil
}

func parseIndex(text []byte) (map[string]map[string]bool, error) {
	dec, err := newDecoder(text)
	if err != nil {
		return nil, err
	}
	var index map[string]map[string]bool
	err = decodeObject(dec, func(key string) error {
		if key != "weight_map" {
			var ignored json.RawMessage // total_size and the like; real files have it wrong
			return dec.Decode(&ignored)
		}
		index = map[string]map[string]bool{}
		return decodeWeightMap(dec, index)
	})
	if err == nil && len(index) == 0 {
		err = errors.New("no weight_map, or an empty one")
	}
	return index, err
}

func decodeWeightMap(dec *json.Decoder, index map[string]map[string]bool) error {
	err := decodeObject(dec, func(tensor string) error {
		shard, err := decodeString(dec)
		if err != nil {
			return fmt.Errorf("tensor %q: its shard is %w", tensor, err)
		}
		if shard != filepath.Base(shard) || !filepath.IsLocal(shard) || shard == "." {
			return fmt.Errorf("tensor %q: its shard %q is not a plain file name", tensor, shard)
		}
		if index[shard] == nil {
			index[shard] = map[string]bool{}
		}
		index[shard][tensor] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("weight_map: %w", err)
	}
	return nil
}

// Close closes every file of the checkpoint.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, shard := range c.shards {
		errs = append(errs, shard.Close())
	}
	return errors.Join(errs...)
}

// Names returns the tensors' names, shard by shard, in the order of each file.
func (c *Checkpoint) Names() []string {
	var names []string
	for _, shard := range c.shards {
		names = append(names, shard.Names()...)
	}
	return names
}

// Info describes the tensor of that name, if there is one.
func (c *Checkpoint) Info(name string) (Info, bool) {
	shard, ok := c.byName[name]
	if !ok {
		return Info{}, false
	}
	return shard.Info(name)
}

// ReadInto reads the data of the tensor of that name into dst, which must have
// exactly its size in bytes. On an error dst may hold a part.
func (c *Checkpoint) ReadInto(name string, dst []byte) error {
	shard, ok := c.byName[name]
	if !ok {
		return fmt.Errorf("%s: no tensor %q", c.path, name)
	}
	return shard.ReadInto(name, dst)
}

// Tied lists the groups of names, two or more, that are one tensor in a file.
func (c *Checkpoint) Tied() [][]string {
	var tied [][]string
	for _, shard := range c.shards {
		tied = append(tied, shard.Tied()...)
	}
	return tied
}
