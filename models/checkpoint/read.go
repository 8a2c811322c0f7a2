package checkpoint

import (
	"io"
	"sync"
)

// Two readers of 8 MiB chunks read a file that is not cached about 5 times as
// fast as one (2.4 against 0.5 GiB/s, 512 MiB on a virtual disk; four: 1.3),
// and a cached one 1.2 times as fast.
const (
	readers   = 2
	readChunk = 8 << 20
)

// readAt fills dst from offset on, a large dst in chunks side by side.
func readAt(file io.ReaderAt, dst []byte, offset int64) error {
	if len(dst) <= readChunk {
		_, err := file.ReadAt(dst, offset)
		return err
	}
	var (
		group sync.WaitGroup
		errs  [readers]error
	)
	for r := range readers {
		group.Go(func() {
			for at := r * readChunk; at < len(dst) && errs[r] == nil; at += readers * readChunk {
				chunk := dst[at:min(at+readChunk, len(dst))]
				_, errs[r] = file.ReadAt(chunk, offset+int64(at))
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err // one will do: both failing means the same cause
		}
	}
	return nil
}
