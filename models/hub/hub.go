// Package hub finds the files of a model: in a directory, in the cache of
// Hugging Face's libraries, or on the Hugging Face Hub, from which it downloads
// them into that cache.
//
//	dir, err := hub.Model(ctx, "google/t5-v1_1-small", hub.Options{})
//
// A directory wins over an id, and what looks like a path is never sent to the
// network. A snapshot in the cache that holds all that gopet reads is used
// without the network, whoever downloaded it; so the same id goes on to stand
// for the same weights, until another revision is named (ID@REVISION) or the
// snapshot is removed.
//
// The environment is that of Python's huggingface_hub: HF_HOME, HF_HUB_CACHE,
// HF_TOKEN, HF_TOKEN_PATH, HF_ENDPOINT, HF_HUB_OFFLINE.
package hub

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/gopet-ml/gopet/internal/hub"
	"github.com/gopet-ml/gopet/models/checkpoint"
)

const configFile = "config.json"

// Options say what is wanted of a model.
type Options struct {
	// ConfigOnly leaves out all but config.json.
	ConfigOnly bool
	// Progress is told how many bytes of how many have been downloaded, where
	// anything is; the total may grow. Nil for nobody.
	Progress func(done, total int64)
}

// Model returns the directory of a model that is given by its directory or by
// its id on the Hub, OWNER/NAME or OWNER/NAME@REVISION, REVISION being a
// branch, a tag or a commit. What is neither on this disk nor an id is returned
// as it is: opening it tells what is wrong. Files are downloaded where the
// cache lacks them: config.json, those of the tokenizer,
// generation_config.json, and the weights, safetensors if there are any, else
// what torch.save wrote.
//
// Errors are one line with the nearest cause: no such id, a private or gated
// one, no such revision, no network, a full disk.
func Model(ctx context.Context, nameOrDir string, o Options) (string, error) {
	repo, ok := hub.Parse(hub.Model, nameOrDir)
	if !ok {
		return nameOrDir, nil
	}
	dir, err := find(ctx, repo, o)
	if errors.Is(err, hub.ErrNoRepo) || errors.Is(err, hub.ErrOffline) {
		err = fmt.Errorf("no such model directory: %q; %w", nameOrDir, err)
	}
	return dir, err
}

func find(ctx context.Context, repo hub.Repo, o Options) (string, error) {
	client, err := hub.Open(o.Progress)
	if err != nil {
		return "", err
	}
	defer client.Close()
	cached, err := client.Cached(repo)
	if err != nil {
		return "", err
	}
	missing := ""
	if cached != nil {
		if missing, err = lacks(cached, o); err != nil {
			return "", err
		}
		// Not every repository has a tokenizer, and the cache does not tell.
		if missing == "" || missing == itsTokenizer && client.IsOffline() {
			return cached.Dir, nil
		}
	}
	switch {
	case !client.IsOffline():
		return download(ctx, client, repo, o)
	case cached == nil:
		return "", client.NotCached(repo)
	default:
		return "", client.Offline(repo, missing)
	}
}

// What a snapshot may lack.
const (
	itsConfig    = "its config.json"
	itsWeights   = "its weights"
	itsTokenizer = "its tokenizer"
)

// lacks tells what a cached snapshot lacks of a model; "" if nothing.
func lacks(s *hub.Cached, o Options) (string, error) {
	if !s.Has(configFile) {
		return itsConfig, nil
	}
	if o.ConfigOnly {
		return "", nil
	}
	weights := weightsOf(s.Has)
	if weights == "" {
		return itsWeights, nil
	}
	shards, err := shardsOf(weights, filepath.Join(s.Dir, weights))
	if err != nil {
		return "", err
	}
	for _, shard := range shards {
		if !s.Has(shard) {
			return itsWeights, nil
		}
	}
	if !slices.ContainsFunc([]string{"tokenizer.json", "vocab.txt", "spiece.model", "vocab.json"}, s.Has) {
		return itsTokenizer, nil
	}
	return "", nil
}

// weightsOf is the file of a repository that package checkpoint opens: weights
// or an index of them; "" where there is none.
func weightsOf(has func(name string) bool) string {
	for _, name := range []string{checkpoint.SingleFile, checkpoint.IndexFile, checkpoint.PickleSingle, checkpoint.PickleIndexFile} {
		if has(name) {
			return name
		}
	}
	return ""
}

// shardsOf lists the files that an index at path names; none where the file
// holds the weights itself.
func shardsOf(name, path string) ([]string, error) {
	if name != checkpoint.IndexFile && name != checkpoint.PickleIndexFile {
		return nil, nil
	}
	return checkpoint.Shards(path)
}

// download brings what is missing into the cache. Nothing is linked into the
// snapshot before all is there.
func download(ctx context.Context, client *hub.Client, repo hub.Repo, o Options) (string, error) {
	s, err := client.Snapshot(ctx, repo)
	if err != nil {
		return "", err
	}
	defer s.Close()
	names, weights, err := wanted(s, repo, o)
	if err != nil {
		return "", err
	}
	if err := s.Fetch(ctx, names...); err != nil {
		return "", err
	}
	if weights != "" {
		// The weights come last, so that a snapshot that has them has the rest.
		if err := s.Fetch(ctx, weights); err != nil {
			return "", err
		}
		shards, err := shardsOf(weights, s.Path(weights))
		if err != nil {
			return "", fmt.Errorf("%s of model %q: %w", weights, repo, err)
		}
		for _, shard := range shards {
			if !s.Has(shard) {
				return "", fmt.Errorf("model %q: %s names the shard %q, which the repository lacks", repo, weights, shard)
			}
		}
		if err := s.Fetch(ctx, shards...); err != nil {
			return "", err
		}
	}
	return s.Place()
}

// wanted chooses among the files of a repository: config.json and what lies
// beside the weights, and the weights or their index.
func wanted(s *hub.Snapshot, repo hub.Repo, o Options) (names []string, weights string, err error) {
	switch {
	case s.Has(configFile):
	case s.Has("adapter_config.json"):
		return nil, "", fmt.Errorf("model %q has no config.json: it is an adapter, of the model that its adapter_config.json names", repo)
	default:
		return nil, "", fmt.Errorf("model %q has no config.json: want a model of Hugging Face's transformers", repo)
	}
	names = []string{configFile}
	if o.ConfigOnly {
		return names, "", nil
	}
	for _, name := range checkpoint.Companions() {
		if s.Has(name) {
			names = append(names, name)
		}
	}
	if weights = weightsOf(s.Has); weights == "" {
		return nil, "", fmt.Errorf("model %q has no weights that can be read: want %s or %s, whole or in shards%s",
			repo, checkpoint.SingleFile, checkpoint.PickleSingle, otherWeights(s.Files))
	}
	return names, weights, nil
}

// otherWeights names weights in another format, for a message.
func otherWeights(files []string) string {
	for _, name := range files {
		if slices.Contains([]string{".h5", ".msgpack", ".ckpt", ".gguf", ".onnx"}, path.Ext(name)) {
			return fmt.Sprintf("; it has %s", name)
		}
	}
	return ""
}
