package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	blobsDir     = "blobs"
	snapshotsDir = "snapshots"
	refsDir      = "refs"
	locksDir     = ".locks"
)

// Cached is a snapshot that the cache holds, whole or in part.
type Cached struct {
	Dir   string
	Files []string // those that can be read, slash-separated, sorted
}

// Has reports whether the snapshot holds a file.
func (s *Cached) Has(name string) bool {
	_, found := slices.BinarySearch(s.Files, name)
	return found
}

// Cached looks for a repository's snapshot without the network; nil where
// there is none. A link that leads out of the cache is an error.
func (c *Client) Cached(repo Repo) (*Cached, error) {
	folder := filepath.Join(c.settings.Cache, repo.folder())
	commit, err := cachedCommit(folder, repo.Revision)
	if err != nil || commit == "" {
		return nil, err
	}
	s := &Cached{Dir: filepath.Join(folder, snapshotsDir, commit)}
	if s.Files, err = c.readable(folder, s.Dir); err != nil {
		return nil, err
	}
	if len(s.Files) == 0 {
		return nil, nil
	}
	return s, nil
}

// cachedCommit is the commit that a revision is known to stand for.
func cachedCommit(folder, revision string) (string, error) {
	if commitHash.MatchString(revision) {
		return revision, nil
	}
	path := filepath.Join(folder, refsDir, filepath.FromSlash(revision))
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return "", nil // also where another revision's name is a part of this one's
	}
	if err != nil {
		return "", err
	}
	commit := strings.TrimSpace(string(content))
	if !commitHash.MatchString(commit) {
		return "", fmt.Errorf("%s: holds no commit; remove it", path)
	}
	return commit, nil
}

// readable lists the files of a snapshot whose content is there.
func (c *Client) readable(folder, dir string) ([]string, error) {
	var files []string
	within, err := realPaths(c.settings.Cache, folder)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		ok, err := isReadable(path, within)
		if err != nil || !ok {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files = append(files, filepath.ToSlash(name))
		return err
	})
	slices.Sort(files)
	return files, err
}

// realPaths resolves what are links among the directories on the way: a user
// may keep the cache, or a repository of it, on another disk.
func realPaths(dirs ...string) ([]string, error) {
	var real []string
	for _, dir := range dirs {
		path, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		real = append(real, path)
	}
	return real, nil
}

// isReadable reports whether path leads to a regular file within one of the
// directories.
func isReadable(path string, within []string) (bool, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	inside := func(dir string) bool { return strings.HasPrefix(real, dir+string(filepath.Separator)) }
	if !slices.ContainsFunc(within, inside) {
		return false, fmt.Errorf("%s: leads out of the cache, to %s: refused; remove it", path, real)
	}
	info, err := os.Stat(real)
	return err == nil && info.Mode().IsRegular(), err
}

// cachedIDs lists the ids of a kind that the cache has a folder of.
func (c *Client) cachedIDs(kind Kind) []string {
	entries, _ := os.ReadDir(c.settings.Cache) // no cache, no ids
	var ids []string
	for _, entry := range entries {
		if id, ok := strings.CutPrefix(entry.Name(), string(kind)+"s"+separator); ok {
			ids = append(ids, strings.Replace(id, separator, "/", 1))
		}
	}
	return ids
}
