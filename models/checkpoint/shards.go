package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gopet-ml/gopet/internal/atomicfile"
)

// DefaultShardSize is the size of shards that Hugging Face's libraries write
// unless told otherwise.
const DefaultShardSize = 5_000_000_000

// WriteShards writes safetensors into the directory dir as transformers does:
// SingleFile where the tensors have at most shardSize bytes together, else
// shards of at most that size (a larger tensor has one of its own) and
// IndexFile. Which shard a tensor is in follows from the order of infos; data
// is as for WriteFrom. It returns the names of the files, the index among them.
func WriteShards(dir string, infos []Info, data func(name string) ([]byte, error), shardSize int64) ([]string, error) {
	shards, total, err := split(infos, shardSize)
	if err != nil {
		return nil, err
	}
	var files []string
	weightMap := map[string]string{}
	for i, shard := range shards {
		name := SingleFile
		if len(shards) > 1 {
			name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		if err := WriteFrom(filepath.Join(dir, name), shard, data, map[string]string{"format": "pt"}); err != nil {
			return nil, err
		}
		files = append(files, name)
		for _, info := range shard {
			weightMap[info.Name] = name
		}
	}
	if len(shards) == 1 {
		return files, nil
	}
	return append(files, IndexFile), writeIndex(filepath.Join(dir, IndexFile), weightMap, total)
}

// split fills one shard after the other; a tensor that is too large for any
// goes at once into one of its own, before the one that is being filled.
// There is always one shard, if an empty one.
func split(infos []Info, shardSize int64) (shards [][]Info, total int64, err error) {
	var filling []Info
	var filled int64
	for _, info := range infos {
		size, err := info.numBytes()
		if err != nil {
			return nil, 0, fmt.Errorf("tensor %q: %w", info.Name, err)
		}
		total += size
		if size > shardSize {
			shards = append(shards, []Info{info})
			continue
		}
		if filled+size > shardSize {
			shards = append(shards, filling)
			filling, filled = nil, 0
		}
		filling = append(filling, info)
		filled += size
	}
	if len(filling) > 0 || len(shards) == 0 {
		shards = append(shards, filling)
	}
	return shards, total, nil
}

func writeIndex(path string, weightMap map[string]string, total int64) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Metadata  map[string]int64  `json:"metadata"`
			WeightMap map[string]string `json:"weight_map"`
		}{map[string]int64{"total_size": total}, weightMap})
	})
}
