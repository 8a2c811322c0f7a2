// Package atomicfile writes files and directories so that a reader, or a run
// that resumes after a crash, sees either all of the new content or what was
// there before, never a part.
//
// Content goes to a hidden temporary name beside the target, is synced to the
// disk, and takes the target's name in one rename. Whatever fails, a panic in
// the caller's function included, the temporary is removed and the target is
// untouched. Only a killed process can leave a temporary behind; its name
// begins with a dot and holds ".tmp-".
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Write makes or replaces the file at path with what fill writes. Writes are
// buffered. The error is one line that names path, never the temporary, and
// keeps the cause for errors.Is (syscall.ENOSPC for a full disk).
func Write(path string, fill func(w io.Writer) error) error {
	temporary := temporaryName(path)
	// os.CreateTemp would give mode 0600 whatever the umask allows.
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return blame(err, temporary, path)
	}
	defer os.Remove(temporary) // finds nothing once the rename succeeded
	defer file.Close()

	buffered := bufio.NewWriterSize(file, 1<<20)
	for _, step := range []func() error{
		func() error { return fill(buffered) },
		buffered.Flush,
		file.Sync,
		file.Close,
		func() error { return os.Rename(temporary, path) },
		func() error { return syncDir(filepath.Dir(path)) },
	} {
		if err := step(); err != nil {
			return blame(err, temporary, path)
		}
	}
	return nil
}

// WriteDir makes or replaces the directory at path with what fill puts into
// the directory it is given, which takes path's name afterwards. The parent
// must exist. Where the file system cannot exchange two directories in one
// step (some network ones), replacing takes two renames, and a crash between
// them leaves the old directory under a temporary name.
func WriteDir(path string, fill func(dir string) error) error {
	path = filepath.Clean(path)
	temporary := temporaryName(path)
	if err := os.Mkdir(temporary, 0o777); err != nil {
		return blame(err, temporary, path)
	}
	defer os.RemoveAll(temporary) // after an exchange this is the old directory

	for _, step := range []func() error{
		func() error { return fill(temporary) },
		func() error { return syncTree(temporary) },
		func() error { return replaceDir(temporary, path) },
		func() error { return syncDir(filepath.Dir(path)) },
	} {
		if err := step(); err != nil {
			return blame(err, temporary, path)
		}
	}
	return nil
}

// syncTree syncs every file and directory under root, and root itself.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return syncDir(path)
		case entry.Type().IsRegular():
			return syncPath(path)
		default:
			return nil
		}
	})
}

// syncDir makes the names in a directory durable, where its file system can.
func syncDir(path string) error {
	err := syncPath(path)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// blame words err as a failure to write path: a path at or under temporary is
// given the name it was to have.
func blame(err error, temporary, path string) error {
	cause, where := err, path
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		if rest, ok := strings.CutPrefix(pathErr.Path, temporary); ok {
			cause, where = pathErr.Err, path+rest
		}
	} else if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		cause = linkErr.Err
	}
	if errno, ok := cause.(syscall.Errno); ok {
		cause = advise(errno)
	}
	return &fs.PathError{Op: "write", Path: where, Err: cause}
}

func advise(errno syscall.Errno) error {
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT:
		return fmt.Errorf("%w; free some space or choose another place", errno)
	case syscall.ENOENT:
		return fmt.Errorf("%w; make its directory first", errno)
	default:
		return errno
	}
}
