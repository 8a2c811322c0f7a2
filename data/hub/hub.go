// Package hub finds the Parquet shards of a data set: on this disk, in the
// cache of Hugging Face's libraries, or on the Hugging Face Hub, from which it
// downloads them into that cache.
//
//	dir, err := hub.Data(ctx, "nyu-mll/glue:rte", hub.Options{})
//	dataset, err := data.Open(dir)
//
// What is on this disk wins over an id, and what looks like a path is never
// sent to the network. Shards in the cache are used without the network; so the
// same id goes on to stand for the same rows, until another revision is named
// (ID@REVISION) or the snapshot is removed.
//
// The environment is that of Python's huggingface_hub: HF_HOME, HF_HUB_CACHE,
// HF_TOKEN, HF_TOKEN_PATH, HF_ENDPOINT, HF_HUB_OFFLINE.
package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gopet-ml/gopet/internal/hub"
)

// converted is the revision in which the Hub keeps what it converted to Parquet.
const converted = "refs/convert/parquet"

// Options say how a data set is fetched.
type Options struct {
	// Progress is told how many bytes of how many have been downloaded, where
	// anything is; the total may grow. Nil for nobody.
	Progress func(done, total int64)
}

// Data returns the directory of the data set that an id of the Hub names:
//
//	[OWNER/]NAME[@REVISION]
//	OWNER/NAME:CONFIG[@REVISION]
//
// The shards of a configuration lie in a directory of its name, those of the
// only or default one may lie in data, in default or in none. They are named
// SPLIT.parquet, SPLIT-*.parquet or SPLIT/*.parquet, SPLIT being train,
// validation or test; other files are left alone. Where a repository has none
// and no revision is named, those that the Hub made of it are taken, from the
// revision refs/convert/parquet.
//
// What is on this disk or no id, such as a glob, is returned as it is: opening
// it tells what is wrong. Errors are one line with the nearest cause: no such
// id or configuration, a private or gated one, no such revision, no network, a
// full disk.
func Data(ctx context.Context, nameOrGlob string, o Options) (string, error) {
	want, ok := parse(nameOrGlob)
	if !ok {
		return nameOrGlob, nil
	}
	client, err := hub.Open(o.Progress)
	if err != nil {
		return "", err
	}
	defer client.Close()
	dir, err := want.find(ctx, client)
	if errors.Is(err, hub.ErrNoRepo) || errors.Is(err, hub.ErrOffline) {
		err = fmt.Errorf("no such data directory: %q; %w", nameOrGlob, err)
	}
	return dir, err
}

// dataset is what an id names.
type dataset struct {
	repo   hub.Repo
	config string // "" for the only or default one
	pinned bool   // the revision was named
}

var configName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)

func parse(text string) (dataset, bool) {
	if _, err := os.Lstat(text); err == nil {
		return dataset{}, false
	}
	name, revision, pinned := strings.Cut(text, "@")
	id, config, hasConfig := strings.Cut(name, ":")
	// NAME:REST is a row source of package data.
	if hasConfig && (!configName.MatchString(config) || !strings.Contains(id, "/")) {
		return dataset{}, false
	}
	if pinned {
		id += "@" + revision
	}
	repo, ok := hub.Parse(hub.Dataset, id)
	return dataset{repo, config, pinned}, ok
}

// revisions are the repository's, in the order in which shards are looked for.
func (d dataset) revisions() []hub.Repo {
	if d.pinned {
		return []hub.Repo{d.repo}
	}
	second := d.repo
	second.Revision = converted
	return []hub.Repo{d.repo, second}
}

func (d dataset) find(ctx context.Context, client *hub.Client) (string, error) {
	var lacking error
	for _, repo := range d.revisions() {
		snapshot, err := client.Cached(repo)
		if err != nil {
			return "", err
		}
		if snapshot == nil {
			continue
		}
		dir, err := d.cached(client, snapshot)
		if err == nil {
			return filepath.Join(snapshot.Dir, filepath.FromSlash(dir)), nil
		}
		lacking = err
	}
	switch {
	case !client.IsOffline():
		return d.download(ctx, client)
	case lacking != nil:
		return "", lacking
	default:
		return "", client.NotCached(d.repo)
	}
}

// cached returns the directory below a snapshot of the shards that are meant,
// or why the snapshot will not do.
func (d dataset) cached(client *hub.Client, snapshot *hub.Cached) (string, error) {
	found := layoutOf(snapshot.Files)
	dir, err := found.choose(d.config)
	switch {
	case err != nil:
		return "", client.Offline(d.repo, fmt.Sprintf("what was asked for (%v)", err))
	case !isWhole(found.shards[dir]):
		return "", client.Offline(d.repo, "some of its shards")
	case d.config == "" && !isDefault(dir) && !client.IsOffline():
		return "", errors.New("the cache does not tell which configurations there are besides")
	}
	return dir, nil
}

func (d dataset) download(ctx context.Context, client *hub.Client) (string, error) {
	for _, repo := range d.revisions() {
		dir, err := d.downloadRevision(ctx, client, repo)
		if repo.Revision == converted && errors.Is(err, hub.ErrNoRevision) {
			break
		}
		if err != nil || dir != "" {
			return dir, err
		}
	}
	return "", fmt.Errorf("data set %q has no shards named SPLIT-*.parquet or SPLIT/*.parquet with SPLIT train, validation or test; "+
		"make some of its files with gopet data import", d.repo)
}

// downloadRevision returns "" where the revision has no shards.
func (d dataset) downloadRevision(ctx context.Context, client *hub.Client, repo hub.Repo) (string, error) {
	s, err := client.Snapshot(ctx, repo)
	if err != nil {
		return "", err
	}
	defer s.Close()
	found := layoutOf(s.Files)
	dir, err := found.choose(d.config)
	if err != nil {
		return "", fmt.Errorf("data set %q: %w", d.repo, err)
	}
	if dir == "" {
		return "", nil
	}
	if err := s.Fetch(ctx, lastFirst(found.shards[dir])...); err != nil {
		return "", err
	}
	placed, err := s.Place()
	return filepath.Join(placed, filepath.FromSlash(dir)), err
}
