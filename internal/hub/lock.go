package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a lock that another process holds is tried.
const lockPoll = 100 * time.Millisecond

// lock holds the file at path as Python's filelock does, with flock(2), until
// unlock is called or the process ends. The file stays.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o664)
		if err != nil {
			return nil, err
		}
		held, err := tryLock(file)
		if held {
			return func() { file.Close() }, nil
		}
		file.Close()
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, lockPoll); err != nil {
			return nil, err
		}
	}
}

// tryLock reports whether the lock is held now. Some versions of filelock
// remove the file as they release it: then the lock is of no name, and of no use.
func tryLock(file *os.File) (bool, error) {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return false, &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	return stat.Nlink > 0, nil
}
