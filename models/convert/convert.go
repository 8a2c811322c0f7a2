// Package convert turns a checkpoint of either format into safetensors, as
// transformers saves it:
//
//	result, err := convert.Run(ctx, convert.Options{In: "t5-small", Out: "t5-small-safetensors"})
//
// It goes tensor by tensor, so memory holds the largest one twice at most.
package convert

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/models/checkpoint"
)

// Options say what is converted, and how.
type Options struct {
	In  string // a model directory or one file of weights
	Out string // the directory to make; it must not exist, its parent must

	// DType is what floating tensors are converted to, Float32, Float16 or
	// BFloat16; empty keeps the types.
	DType checkpoint.DType
	// ShardSize is the most bytes of a file of weights; 0 means
	// checkpoint.DefaultShardSize.
	ShardSize int64
	// Progress is told after each tensor how many are done; nil for nobody.
	Progress func(done, total int)
}

// Result says what was written.
type Result struct {
	Out        string   `json:"out"`
	Files      []string `json:"files"`  // of weights, in Out
	Copied     []string `json:"copied"` // other files, in Out
	Tensors    int      `json:"tensors"`
	Parameters int64    `json:"parameters"` // elements of all tensors
	Bytes      int64    `json:"bytes"`      // of all tensors
	Tied       []Alias  `json:"tied"`       // names that were dropped
}

// Alias is a name that was dropped because its tensor is written under another.
type Alias struct {
	Name string `json:"name"`
	As   string `json:"as"`
}

// Run converts a checkpoint: the new directory is written whole or not at all.
// It holds the weights and, where there are such beside the old weights,
// config.json and the files of the tokenizer and of generation. A conversion
// that makes a finite value infinite is an error.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	source, dir, err := open(o.In)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	c := &conversion{ctx: ctx, options: o, source: source, result: &Result{Out: o.Out, Copied: []string{}}}
	c.plan()
	err = atomicfile.WriteDir(o.Out, func(out string) error {
		if err := c.writeWeights(out); err != nil {
			return err
		}
		return c.copyFiles(dir, out)
	})
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	return c.result, nil
}

func (o *Options) check() error {
	if o.DType != "" && !slices.Contains(targets, o.DType) {
		return fmt.Errorf("convert: dtype %s: want one of %v", o.DType, targets)
	}
	if o.ShardSize < 0 {
		return fmt.Errorf("convert: shard size %d: want 1 or more", o.ShardSize)
	}
	if o.ShardSize == 0 {
		o.ShardSize = checkpoint.DefaultShardSize
	}
	if _, err := os.Lstat(o.Out); err == nil {
		return fmt.Errorf("convert: %s already exists: choose another directory", o.Out)
	}
	return nil
}

// open opens a directory or a file, and returns the folder that it is in.
func open(in string) (*checkpoint.Checkpoint, string, error) {
	if info, err := os.Stat(in); err == nil && !info.IsDir() {
		c, err := checkpoint.OpenWeights(in)
		return c, filepath.Dir(in), err
	}
	c, err := checkpoint.Open(in)
	return c, in, err
}

// conversion is one run.
type conversion struct {
	ctx     context.Context
	options Options
	source  *checkpoint.Checkpoint
	result  *Result

	infos     []checkpoint.Info // of what is written
	done      int
	read      []byte // the last tensor, and what it was converted to
	converted []byte
}

// plan lists the tensors to write.
func (c *conversion) plan() {
	c.result.Tied = aliases(c.source.Tied())
	dropped := map[string]bool{}
	for _, alias := range c.result.Tied {
		dropped[alias.Name] = true
	}
	for _, name := range c.source.Names() {
		if dropped[name] {
			continue
		}
		info, _ := c.source.Info(name)
		elements := info.NumBytes() / int64(info.DType.Size())
		if c.converts(info.DType) {
			info.DType = c.options.DType
		}
		c.infos = append(c.infos, info)
		c.result.Tensors++
		c.result.Parameters += elements
		c.result.Bytes += info.NumBytes()
	}
}

// converts reports whether tensors of that type are written as another.
func (c *conversion) converts(dtype checkpoint.DType) bool {
	return c.options.DType != "" && c.options.DType != dtype && floating(dtype)
}

func (c *conversion) writeWeights(out string) (err error) {
	c.result.Files, err = checkpoint.WriteShards(out, c.infos, c.data, c.options.ShardSize)
	return err
}

// data returns the bytes of a tensor to write.
func (c *conversion) data(name string) ([]byte, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	info, _ := c.source.Info(name)
	c.read = resize(c.read, info.NumBytes())
	if err := c.source.ReadInto(name, c.read); err != nil {
		return nil, err
	}
	data := c.read
	if c.converts(info.DType) {
		elements := len(c.read) / info.DType.Size()
		c.converted = resize(c.converted, int64(elements*c.options.DType.Size()))
		if err := convertValues(c.converted, c.options.DType, c.read, info.DType); err != nil {
			return nil, err
		}
		data = c.converted
	}
	c.done++
	if c.options.Progress != nil {
		c.options.Progress(c.done, len(c.infos))
	}
	return data, nil
}

func resize(buffer []byte, size int64) []byte {
	return slices.Grow(buffer[:0], int(size))[:size]
}
