package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const incomplete = ".incomplete"

var (
	errChecksum = errors.New("its content is not what its checksum says")
	errStalled  = errors.New("no data for some time")
)

// download is a blob on its way into a repository's folder.
type download struct {
	client *Client
	root   *os.Root // the repository's folder; nothing is written outside of it
	repo   Repo
	commit string
	name   string
	blob
	got func(bytes int64) // told how much came, less than nothing where some is thrown away
}

func (b blob) path() string { return path.Join(blobsDir, b.etag) }

// has reports whether the folder holds the blob in its size.
func (b blob) has(folder string) bool {
	info, err := os.Stat(filepath.Join(folder, b.path()))
	return err == nil && info.Mode().IsRegular() && info.Size() == b.size
}

// partial is how much of the blob is there from an earlier attempt.
func (b blob) partial(root *os.Root) int64 {
	info, err := root.Lstat(b.path() + incomplete)
	if err != nil || !info.Mode().IsRegular() || info.Size() > b.size {
		return 0
	}
	return info.Size()
}

// run downloads the blob, holding its lock, unless another process did.
func (d *download) run(ctx context.Context) error {
	cache := d.client.settings.Cache
	unlock, err := lock(ctx, filepath.Join(cache, locksDir, d.repo.folder(), d.etag+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if d.has(d.root.Name()) {
		d.got(d.size)
		return nil
	}
	resumed := d.partial(d.root)
	err = d.fill(ctx)
	if errors.Is(err, errChecksum) && resumed > 0 {
		// What an earlier attempt left may be what is wrong.
		d.got(-d.size)
		err = d.fill(ctx)
	}
	if errors.Is(err, errChecksum) {
		return fmt.Errorf("%s of %q: %w (%s); nothing was kept", d.name, d.repo, errChecksum, d.etag)
	}
	return err
}

// fill completes the partial file, checks it and gives it its name. One with a
// wrong content or none, or on a full disk, is removed; any other is left to be
// resumed.
func (d *download) fill(ctx context.Context) error {
	temporary := d.path() + incomplete
	if info, err := d.root.Lstat(temporary); err == nil && !info.Mode().IsRegular() {
		if err := d.root.Remove(temporary); err != nil { // a link, through which nothing is written
			return err
		}
	}
	file, err := d.root.OpenFile(temporary, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer file.Close()
	err = d.receive(ctx, file)
	if err == nil {
		err = d.check(file)
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = d.root.Rename(temporary, d.path())
	}
	if errors.Is(err, errChecksum) || isFull(err) || err != nil && d.partial(d.root) == 0 {
		d.root.Remove(temporary)
	}
	return err
}

func (d *download) check(file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return d.verify(file)
}

// receive asks for what is missing until nothing is.
func (d *download) receive(ctx context.Context, file *os.File) error {
	have, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have > d.size {
		if have, err = 0, restart(file); err != nil {
			return err
		}
	}
	d.got(have)
	most := have
	if have == d.size {
		return nil
	}
	return d.client.persist(ctx, func() (bool, error) {
		have, err = d.attempt(ctx, file, have)
		further := have > most
		most = max(most, have)
		return further, err
	})
}

func restart(file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return file.Truncate(0)
}

// attempt asks for the file from a byte on, and returns how much is there then.
func (d *download) attempt(ctx context.Context, file *os.File, have int64) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(d.client.stall, func() { cancel(&transientError{err: fmt.Errorf("%s of %q: %w", d.name, d.repo, errStalled)}) })
	defer watchdog.Stop()

	response, err := d.client.send(ctx, request{method: http.MethodGet, path: d.repo.filePath(d.commit, d.name), from: have})
	if err != nil {
		return have, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusPartialContent:
		if want := fmt.Sprintf("bytes %d-", have); !strings.HasPrefix(response.Header.Get("Content-Range"), want) {
			return have, fmt.Errorf("%s: asked for %s of %q from byte %d, got %q", response.Request.URL.Host, d.name, d.repo, have,
				oneLine(response.Header.Get("Content-Range")))
		}
	case http.StatusOK:
		// All of it, whatever was asked for.
		d.got(-have)
		if have, err = 0, restart(file); err != nil {
			return have, err
		}
	default:
		return have, d.client.refusal(response, d.repo, d.name)
	}
	n, err := d.copy(file, response.Body, d.size-have, watchdog)
	have += n
	switch {
	case isWrite(err):
		return have, err
	case err != nil:
		return have, cut(ctx, response, err)
	case have < d.size:
		return have, cut(ctx, response, io.ErrUnexpectedEOF)
	}
	return have, nil
}

// writeError is a failure of this machine, not of the network.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

func isWrite(err error) bool { return errors.As(err, new(writeError)) }

// copy writes at most so many bytes of a body, whatever the server goes on to
// send: a longer file fails its checksum.
func (d *download) copy(file *os.File, body io.Reader, most int64, watchdog *time.Timer) (int64, error) {
	var copied int64
	buffer := make([]byte, 1<<20)
	for copied < most {
		n, err := body.Read(buffer[:min(int64(len(buffer)), most-copied)])
		watchdog.Reset(d.client.stall)
		if n > 0 {
			if _, err := file.Write(buffer[:n]); err != nil {
				return copied, writeError{err}
			}
			copied += int64(n)
			d.got(int64(n))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return copied, err
		}
	}
	return copied, nil
}
