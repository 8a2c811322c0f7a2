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

// The names Hugging Face gives a checkpoint's files.
const (
	SingleFile = "model.safetensors"
	IndexFile  = "model.safetensors.index.json"
)

// Checkpoint is the weights of one model directory, open for reading: one file
// or several shards. Its methods may be called from many goroutines.
type Checkpoint struct {
	dir    string
	shards []*File
	byName map[string]*File
}

// Open opens the weights in a model directory, SingleFile if it is there, else
// the shards that IndexFile names, and checks all of their headers. The caller
// closes it.
func Open(dir string) (*Checkpoint, error) {
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no such model directory: %s", dir)
	} else if err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a model directory but a file", dir)
	}
	c := &Checkpoint{dir: dir, byName: map[string]*File{}}
	if err := c.open(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Checkpoint) open() error {
	err := c.openShard(SingleFile, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	index, err := readIndex(filepath.Join(c.dir, IndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c.nothingToRead()
	}
	if err != nil {
		return err
	}
	for _, shard := range slices.Sorted(maps.Keys(index)) {
		if err := c.openShard(shard, index[shard]); err != nil {
			return err
		}
	}
	return nil
}

// openShard adds a file and, where the index lists its tensors, checks that it
// holds these and no others.
func (c *Checkpoint) openShard(name string, listed map[string]bool) error {
	shard, err := OpenFile(filepath.Join(c.dir, name))
	if listed != nil && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: its shard %s is missing: %w", filepath.Join(c.dir, IndexFile), name, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	c.shards = append(c.shards, shard)
	for _, tensor := range shard.Names() {
		if listed != nil && !listed[tensor] {
			return fmt.Errorf("%s: tensor %q is not listed for it in %s", filepath.Join(c.dir, name), tensor, IndexFile)
		}
		c.byName[tensor] = shard
	}
	for _, tensor := range slices.Sorted(maps.Keys(listed)) {
		if _, ok := shard.byName[tensor]; !ok {
			return fmt.Errorf("%s: tensor %q is said to be in %s, which lacks it", filepath.Join(c.dir, IndexFile), tensor, name)
		}
	}
	return nil
}

func (c *Checkpoint) nothingToRead() error {
	err := fmt.Errorf("%s: neither %s nor %s", c.dir, SingleFile, IndexFile)
	for _, pickled := range []string{"pytorch_model.bin", "pytorch_model.bin.index.json"} {
		if _, statErr := os.Stat(filepath.Join(c.dir, pickled)); statErr == nil {
			return fmt.Errorf("%w; convert its %s to safetensors", err, pickled)
		}
	}
	return err
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

// Names returns the tensors' names, shard by shard, in the order of their data.
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
		return fmt.Errorf("%s: no tensor %q", c.dir, name)
	}
	return shard.ReadInto(name, dst)
}
