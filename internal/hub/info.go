package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxInfo bounds a listing; the largest repositories' are some megabytes.
const maxInfo = 64 << 20

// info is what a repository holds at a revision.
type info struct {
	commit string
	files  []string // sorted
}

// info asks what a repository holds.
func (c *Client) info(ctx context.Context, repo Repo) (info, error) {
	var listed info
	err := c.persist(ctx, func() (bool, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, infoTimeout, &transientError{err: fmt.Errorf("%s: no answer for %s", c.settings.Endpoint.Host, infoTimeout)})
		defer cancel()
		response, err := c.send(ctx, request{method: http.MethodGet, path: repo.infoPath()})
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return false, c.refusal(response, repo, "")
		}
		text, err := io.ReadAll(io.LimitReader(response.Body, maxInfo))
		if err != nil {
			return false, cut(ctx, response, err)
		}
		listed, err = parseInfo(text)
		if err != nil {
			err = fmt.Errorf("%s: what it holds of %q: %w", response.Request.URL.Host, repo, err)
		}
		return false, err
	})
	return listed, err
}

func parseInfo(text []byte) (info, error) {
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return info{}, errors.New("not an answer of a Hub; is HF_ENDPOINT right?")
	}
	if !commitHash.MatchString(answer.SHA) {
		return info{}, fmt.Errorf("no commit, but %q; is HF_ENDPOINT right?", oneLine(answer.SHA))
	}
	listed := info{commit: answer.SHA}
	for _, sibling := range answer.Siblings {
		if !isFileName(sibling.Name) {
			return info{}, fmt.Errorf("a file named %q, which is no path within a repository: refused", oneLine(sibling.Name))
		}
		listed.files = append(listed.files, sibling.Name)
	}
	slices.Sort(listed.files)
	listed.files = slices.Compact(listed.files)
	return listed, nil
}

// isFileName reports whether a name is a path that stays below where it is put:
// relative, without "..", empty parts or control characters.
func isFileName(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' })
}

// checksum is the form of an ETag of the Hub: the SHA-256 of a large file, the
// SHA-1 that git gives a small one.
var checksum = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// blob is a file's content, as the Hub describes it.
type blob struct {
	etag string
	size int64
}

// describe asks for the size and the checksum of a file.
func (c *Client) describe(ctx context.Context, repo Repo, commit, name string) (blob, error) {
	var b blob
	err := c.persist(ctx, func() (bool, error) {
		response, err := c.send(ctx, request{method: http.MethodHead, path: repo.filePath(commit, name), stay: true})
		if err != nil {
			return false, err
		}
		response.Body.Close()
		if response.StatusCode/100 != 2 && response.StatusCode/100 != 3 {
			return false, c.refusal(response, repo, name)
		}
		if b, err = describedBy(response, commit); err != nil {
			err = fmt.Errorf("%s: %s of %q: %w", response.Request.URL.Host, name, repo, err)
		}
		return false, err
	})
	return b, err
}

func describedBy(response *http.Response, commit string) (blob, error) {
	h := response.Header
	if got := h.Get("X-Repo-Commit"); got != commit {
		return blob{}, fmt.Errorf("X-Repo-Commit is %q, not %s; is HF_ENDPOINT right?", oneLine(got), commit)
	}
	b := blob{etag: h.Get("X-Linked-Etag"), size: response.ContentLength}
	if b.etag == "" {
		b.etag = h.Get("ETag")
	}
	b.etag = strings.Trim(strings.TrimPrefix(b.etag, "W/"), `"`)
	if !checksum.MatchString(b.etag) {
		return blob{}, fmt.Errorf("its ETag %q is no checksum, and nothing is kept unchecked", oneLine(b.etag))
	}
	if linked := h.Get("X-Linked-Size"); linked != "" {
		size, err := strconv.ParseInt(linked, 10, 64)
		if err != nil || size < 0 {
			return blob{}, fmt.Errorf("X-Linked-Size is %q, not a size", oneLine(linked))
		}
		b.size = size
	} else if response.StatusCode/100 == 3 {
		return blob{}, errors.New("it is elsewhere, and X-Linked-Size does not tell how large it is")
	}
	if b.size < 0 {
		return blob{}, errors.New("its size is not told")
	}
	return b, nil
}
