package atomicfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// temporaryName is a new hidden name beside path.
func temporaryName(path string) string {
	dir, base := filepath.Split(path)
	return filepath.Join(dir, "."+base+".tmp-"+rand.Text()[:10])
}

// replaceDir gives fresh the name path. What was a directory at path is under
// the name fresh afterwards, for the caller to remove.
func replaceDir(fresh, path string) error {
	existing, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, path)
	}
	if err != nil {
		return err
	}
	if !existing.IsDir() {
		return syscall.ENOTDIR
	}
	err = unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) {
		return replaceDirInTwoSteps(fresh, path)
	}
	return err
}

func replaceDirInTwoSteps(fresh, path string) error {
	old := temporaryName(path)
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return os.Rename(old, fresh)
}
