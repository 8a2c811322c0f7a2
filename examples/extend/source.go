package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
)

func init() { data.RegisterSource("notes", openNotes) }

// notes is a directory of train.txt, validation.txt and test.txt. A line is a
// topic, a colon and the note. The whole of it is kept in memory.
type notes struct {
	splits      []data.Split
	fingerprint string
}

func openNotes(dir string) (data.Dataset, error) {
	n := &notes{}
	sum := sha256.New()
	for _, name := range data.SplitNames {
		path := filepath.Join(dir, name+".txt")
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		split, err := parseNotes(name, path, string(content))
		if err != nil {
			return nil, err
		}
		n.splits = append(n.splits, split)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
	}
	if len(n.splits) == 0 {
		return nil, fmt.Errorf("%s: none of train.txt, validation.txt and test.txt is there", dir)
	}
	n.fingerprint = hex.EncodeToString(sum.Sum(nil))
	return n, nil
}

func (n *notes) Splits() []data.Split { return n.splits }

func (n *notes) Fingerprint() string { return n.fingerprint }

// noteSplit is one file, a block of its own.
type noteSplit struct {
	name, path    string
	topics, texts []string
}

func parseNotes(name, path, content string) (*noteSplit, error) {
	s := &noteSplit{name: name, path: path}
	for line := range strings.Lines(content) {
		topic, text, found := strings.Cut(strings.TrimSpace(line), ": ")
		if !found {
			return nil, fmt.Errorf("%s:%d: want TOPIC: NOTE", path, len(s.topics)+1)
		}
		s.topics, s.texts = append(s.topics, topic), append(s.texts, text)
	}
	return s, nil
}

func (s *noteSplit) Name() string { return s.name }

func (s *noteSplit) Columns() []column.Schema {
	return []column.Schema{{Name: "topic", Kind: column.String}, {Name: "note", Kind: column.String}}
}

func (s *noteSplit) BlockRows() []int { return []int{len(s.texts)} }

func (s *noteSplit) ReadBlock(_ context.Context, _ int, columns []string) (*data.Block, error) {
	block := &data.Block{Place: s.path}
	for _, name := range columns {
		values := s.topics
		if name == "note" {
			values = s.texts
		}
		schema := column.Schema{Name: name, Kind: column.String}
		block.Columns = append(block.Columns, column.Values{Schema: schema, Strings: values})
	}
	return block, nil
}
