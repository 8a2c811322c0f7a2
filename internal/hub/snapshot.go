package hub

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Snapshot is a repository at one commit, of which files can be downloaded.
type Snapshot struct {
	Files []string // all that the repository holds, sorted

	client  *Client
	repo    Repo
	commit  string
	folder  string
	root    *os.Root // of folder; nil until something is written
	fetched map[string]blob
	order   []string // of fetching

	done, total int64 // bytes
}

// Snapshot asks what a repository holds. Nothing is written yet. The caller
// closes it.
func (c *Client) Snapshot(ctx context.Context, repo Repo) (*Snapshot, error) {
	listed, err := c.info(ctx, repo)
	if err != nil {
		return nil, err
	}
	return &Snapshot{
		Files: listed.files, client: c, repo: repo, commit: listed.commit,
		folder: filepath.Join(c.settings.Cache, repo.folder()), fetched: map[string]blob{},
	}, nil
}

// Close ends the use of the cache.
func (s *Snapshot) Close() {
	if s.root != nil {
		s.root.Close()
	}
}

// Has reports whether the repository holds a file.
func (s *Snapshot) Has(name string) bool {
	_, found := slices.BinarySearch(s.Files, name)
	return found
}

// Fetch brings the content of files into the cache, one after the other; what
// is there already is not downloaded.
func (s *Snapshot) Fetch(ctx context.Context, names ...string) error {
	var missing []*download
	var need int64
	for _, name := range names {
		b, err := s.client.describe(ctx, s.repo, s.commit, name)
		if err != nil {
			return err
		}
		if _, twice := s.fetched[name]; !twice {
			s.fetched[name] = b
			s.order = append(s.order, name)
		}
		if !b.has(s.folder) {
			missing = append(missing, &download{client: s.client, repo: s.repo, commit: s.commit, name: name, blob: b, got: s.count})
			s.total += b.size
			need += b.size
		}
	}
	return s.client.advise(s.download(ctx, missing, need))
}

func (s *Snapshot) count(bytes int64) {
	s.done += bytes
	s.client.Progress(s.done, s.total)
}

func (s *Snapshot) download(ctx context.Context, missing []*download, need int64) error {
	if len(missing) == 0 {
		return nil
	}
	if err := s.open(); err != nil {
		return err
	}
	if err := s.root.MkdirAll(blobsDir, 0o777); err != nil {
		return err
	}
	for _, d := range missing {
		need -= d.partial(s.root)
	}
	if err := checkSpace(s.folder, need); err != nil {
		return err
	}
	for _, d := range missing {
		d.root = s.root
		if err := d.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open makes the repository's folder, if need be.
func (s *Snapshot) open() error {
	if s.root != nil {
		return nil
	}
	if err := os.MkdirAll(s.folder, 0o777); err != nil {
		return err
	}
	var err error
	s.root, err = os.OpenRoot(s.folder)
	return err
}

// Path is where the content of a fetched file lies.
func (s *Snapshot) Path(name string) string {
	return filepath.Join(s.folder, s.fetched[name].path())
}

// Place links the fetched files into the snapshot's directory, in the order of
// fetching, then notes what commit the revision stands for, and returns the
// directory.
func (s *Snapshot) Place() (string, error) {
	if err := s.open(); err != nil {
		return "", s.client.advise(err)
	}
	for _, name := range s.order {
		if err := s.link(name); err != nil {
			return "", s.client.advise(err)
		}
	}
	dir := filepath.Join(s.folder, snapshotsDir, s.commit)
	if err := s.check(dir); err != nil {
		return "", err
	}
	if err := s.note(); err != nil {
		return "", s.client.advise(err)
	}
	return dir, nil
}

// check wants every fetched file to be there and within the cache.
func (s *Snapshot) check(dir string) error {
	within, err := realPaths(s.client.settings.Cache, s.folder)
	if err != nil {
		return err
	}
	for _, name := range s.order {
		path := filepath.Join(dir, filepath.FromSlash(name))
		ok, err := isReadable(path, within)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s: it was removed while it was downloaded", path)
		}
	}
	return nil
}

// link makes a file of the snapshot, unless it is there.
func (s *Snapshot) link(name string) error {
	b, at := s.fetched[name], path.Join(snapshotsDir, s.commit, name)
	if info, err := os.Stat(filepath.Join(s.folder, filepath.FromSlash(at))); err == nil && info.Mode().IsRegular() && info.Size() == b.size {
		return nil
	}
	if err := s.root.MkdirAll(path.Dir(at), 0o777); err != nil {
		return err
	}
	target := strings.Repeat("../", strings.Count(at, "/")) + b.path()
	return s.put(at, func(temporary string) error { return s.root.Symlink(target, temporary) })
}

// note writes the reference of a branch or tag, unless it says so already.
func (s *Snapshot) note() error {
	if s.repo.Revision == s.commit {
		return nil
	}
	at := path.Join(refsDir, s.repo.Revision)
	if content, err := s.root.ReadFile(at); err == nil && string(content) == s.commit {
		return nil
	}
	if err := s.root.MkdirAll(path.Dir(at), 0o777); err != nil {
		return err
	}
	return s.put(at, func(temporary string) error { return s.root.WriteFile(temporary, []byte(s.commit), 0o666) })
}

// put makes what is to be at a place under another name, and then renames it.
func (s *Snapshot) put(at string, write func(temporary string) error) error {
	temporary := path.Join(path.Dir(at), "."+path.Base(at)+".tmp-"+rand.Text()[:10])
	err := write(temporary)
	if err == nil {
		err = s.root.Rename(temporary, at)
	}
	if err != nil {
		s.root.Remove(temporary) // it may not be there
	}
	return err
}
