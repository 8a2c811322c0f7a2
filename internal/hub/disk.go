package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// isFull reports whether nothing more can be written for want of space.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// checkSpace reports a disk that has not so many bytes left.
func checkSpace(dir string, need int64) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return nil // then writing tells
	}
	if free := int64(stat.Bavail) * stat.Bsize; free < need {
		return fmt.Errorf("%d MB to download and %d MB free: %w", need>>20, free>>20, syscall.ENOSPC)
	}
	return nil
}

// advise words an error of the cache's disk.
func (c *Client) advise(err error) error {
	if wrapped, ok := errors.AsType[*os.LinkError](err); ok {
		err = fmt.Errorf("%s: %w", wrapped.New, wrapped.Err)
	}
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("the Hub's cache in %s: %w; free some space, or set HF_HUB_CACHE to another disk", c.settings.Cache, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the Hub's cache in %s: %w; set HF_HUB_CACHE to a directory that can be written", c.settings.Cache, err)
	default:
		return err
	}
}
