package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/shard"
	"github.com/gopet-ml/gopet/internal/nearest"
)

const parquetSuffix = ".parquet"

// parquetDataset is a directory or glob of shards.
type parquetDataset struct {
	splits      []Split
	fingerprint string
}

func (d *parquetDataset) Splits() []Split     { return d.splits }
func (d *parquetDataset) Fingerprint() string { return d.fingerprint }

// openParquet opens the shards of a directory, SPLIT-*.parquet or
// SPLIT/*.parquet, or those that match a glob.
func openParquet(spec string) (Dataset, error) {
	paths, err := findShards(spec)
	if err != nil {
		return nil, err
	}
	bySplit := map[string][]string{}
	for _, path := range paths {
		if name := SplitOf(path); name != "" {
			bySplit[name] = append(bySplit[name], path)
		}
	}
	if len(bySplit) == 0 {
		return nil, fmt.Errorf("data %q has no shards named SPLIT-*%s or SPLIT/*%s with SPLIT train, validation or test", spec, parquetSuffix, parquetSuffix)
	}
	d := new(parquetDataset)
	digest := sha256.New()
	for _, name := range SplitNames {
		if len(bySplit[name]) == 0 {
			continue
		}
		split, err := openSplit(name, bySplit[name])
		if err != nil {
			return nil, err
		}
		d.splits = append(d.splits, split)
		for _, f := range split.files {
			sum := f.Fingerprint()
			fmt.Fprintf(digest, "%s %x\n", name, sum)
		}
	}
	d.fingerprint = hex.EncodeToString(digest.Sum(nil))
	return d, nil
}

// findShards returns the Parquet files of spec, sorted.
func findShards(spec string) ([]string, error) {
	info, err := os.Stat(spec)
	switch {
	case err == nil && info.IsDir():
		patterns := []string{filepath.Join(escapeGlob(spec), "*")}
		for _, name := range SplitNames {
			patterns = append(patterns, filepath.Join(escapeGlob(spec), name, "*"))
		}
		return globShards(patterns...)
	case err == nil:
		return []string{spec}, nil
	case !errors.Is(err, os.ErrNotExist) || !strings.ContainsAny(spec, "*?["):
		return nil, fmt.Errorf("data: %w", err)
	}
	paths, err := globShards(spec)
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("data %q: no file matches", spec)
	}
	return paths, err
}

func globShards(patterns ...string) ([]string, error) {
	var paths []string
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("data %q: %w", pattern, err)
		}
		paths = append(paths, matches...)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return filepath.Ext(path) != parquetSuffix })
	slices.Sort(paths)
	return paths, nil
}

// escapeGlob makes a directory's name match only itself.
func escapeGlob(dir string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(dir)
}

// matched is what MNLI adds to the names of its usual splits for validation and
// test, whose rows are of the training rows' genres.
const matched = "_matched"

// SplitOf returns the split that a shard stands for by its name, SPLIT.parquet,
// SPLIT-*.parquet or SPLIT/*.parquet; "" for none. SPLIT_matched is SPLIT.
func SplitOf(path string) string {
	base := strings.TrimSuffix(filepath.Base(path), parquetSuffix)
	for _, name := range SplitNames {
		rest, found := strings.CutPrefix(base, name)
		rest = strings.TrimPrefix(rest, matched)
		if found && (rest == "" || rest[0] == '-') {
			return name
		}
	}
	for _, name := range SplitNames {
		if filepath.Base(filepath.Dir(path)) == name {
			return name
		}
	}
	return ""
}

// A parquetSplit is the shards of one split in the order of their names, a
// block for each of their row groups.
type parquetSplit struct {
	name      string
	files     []*shard.File
	blocks    []parquetBlock
	blockRows []int
}

type parquetBlock struct {
	file     *shard.File
	rowGroup int
	first    int64 // number of its first row within the file
}

func openSplit(name string, paths []string) (*parquetSplit, error) {
	s := &parquetSplit{name: name}
	for _, path := range paths {
		f, err := shard.Open(path)
		if err != nil {
			return nil, err
		}
		if err := s.add(f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *parquetSplit) add(f *shard.File) error {
	if len(s.files) > 0 {
		if err := sameColumns(s.files[0], f); err != nil {
			return err
		}
	}
	s.files = append(s.files, f)
	var first int64
	for i, rows := range f.RowGroups() {
		s.blocks = append(s.blocks, parquetBlock{file: f, rowGroup: i, first: first})
		s.blockRows = append(s.blockRows, rows)
		first += int64(rows)
	}
	return nil
}

// sameColumns reports the first column of a that b lacks or has otherwise.
func sameColumns(a, b *shard.File) error {
	columns := b.Columns()
	for _, want := range a.Columns() {
		i := slices.IndexFunc(columns, func(c column.Schema) bool { return c.Name == want.Name })
		switch {
		case i < 0:
			return fmt.Errorf("%s: no column %q, which %s has; %s", b.Path(), want.Name, a.Path(), nearest.Hint(want.Name, column.Names(columns)))
		case columns[i].Kind != want.Kind:
			return fmt.Errorf("%s: column %q is of type %s, in %s %s", b.Path(), want.Name, columns[i].Kind, a.Path(), want.Kind)
		case !slices.Equal(columns[i].Classes, want.Classes):
			return fmt.Errorf("%s: column %q names other classes than in %s", b.Path(), want.Name, a.Path())
		}
	}
	return nil
}

func (s *parquetSplit) Name() string             { return s.name }
func (s *parquetSplit) Columns() []column.Schema { return s.files[0].Columns() }
func (s *parquetSplit) BlockRows() []int         { return s.blockRows }

func (s *parquetSplit) ReadBlock(ctx context.Context, i int, columns []string) (*Block, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := s.blocks[i]
	values, err := b.file.ReadRowGroup(b.rowGroup, columns)
	if err != nil {
		return nil, err
	}
	return &Block{Place: b.file.Path(), First: b.first, Columns: values}, nil
}
