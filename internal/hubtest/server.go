// Package hubtest is a server on this machine that behaves like the Hugging
// Face Hub, as far as downloading goes, for tests: what a repository holds,
// small files by a redirect on the same host, large ones by a redirect to
// another host with a signed address, ranges, and the Hub's refusals. Its
// likeness is tested with Python's huggingface_hub.
//
// Faults stand in for the answers of a bad day: a cut connection, a server that
// is busy, a wrong content.
package hubtest

import (
	"crypto/sha1" // git's object names
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Signature is in the address of every large file, and must be in no message.
const Signature = "X-Amz-Signature=c0ffee"

// Repo is a repository of the server.
type Repo struct {
	ID      string // OWNER/NAME or NAME; a data set's is datasets/OWNER/NAME
	Private bool   // not there, without the server's token
	Gated   bool   // listed to all; files with the server's token only

	revisions map[string]string            // branch or tag: commit
	commits   map[string]map[string]string // commit: file: content
}

// Server is the Hub, and the host of large files beside it.
type Server struct {
	URL   string // of the Hub
	Files string // of the host of large files
	Token string // that opens private and gated repositories
	Large int    // bytes from which on files are large

	hub, files *httptest.Server
	mutex      sync.Mutex
	repos      map[string]*Repo
	moved      map[string]string
	faults     []*fault
	requests   []Request
}

// Request is one that the server had.
type Request struct {
	Method, Path  string // the path as it was sent
	Large         bool   // to the host of large files
	Authorization string
	Range         string
	UserAgent     string
}

// Start starts an empty Hub. The caller closes it.
func Start() *Server {
	s := &Server{Token: "hf_secret", Large: 512, repos: map[string]*Repo{}, moved: map[string]string{}}
	s.hub = httptest.NewServer(s.handler(false, s.serveHub))
	s.files = httptest.NewServer(s.handler(true, s.serveFiles))
	s.URL, s.Files = s.hub.URL, s.files.URL
	return s
}

// Close stops the server.
func (s *Server) Close() {
	s.hub.CloseClientConnections()
	s.files.CloseClientConnections()
	s.hub.Close()
	s.files.Close()
}

// New starts a Hub for a test and points the environment at it and at an empty
// cache, whose directory it returns.
func New(t *testing.T) (s *Server, cache string) {
	t.Helper()
	s = Start()
	t.Cleanup(s.Close)
	home := t.TempDir()
	for name, value := range s.environment(home) {
		t.Setenv(name, value)
		unsetEmpty(name)
	}
	return s, filepath.Join(home, "hub")
}

// Example is New for an example, which calls end when it is done.
func Example() (s *Server, end func()) {
	s = Start()
	home, err := os.MkdirTemp("", "hubtest")
	if err != nil {
		panic(err) // an example has no other way to fail
	}
	before := map[string]string{}
	for name, value := range s.environment(home) {
		before[name] = os.Getenv(name)
		os.Setenv(name, value)
		unsetEmpty(name)
	}
	return s, func() {
		s.Close()
		os.RemoveAll(home)
		for name, value := range before {
			os.Setenv(name, value)
			unsetEmpty(name)
		}
	}
}

// unsetEmpty removes a variable that is empty, which is not the same to Python.
func unsetEmpty(name string) {
	if os.Getenv(name) == "" {
		os.Unsetenv(name)
	}
}

// environment points at the server and at a home, and at nothing else.
func (s *Server) environment(home string) map[string]string {
	variables := map[string]string{"HF_HOME": home, "HF_ENDPOINT": s.URL}
	for _, name := range []string{
		"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
		"HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "XDG_CACHE_HOME", "HTTP_PROXY", "http_proxy",
	} {
		variables[name] = ""
	}
	return variables
}

// Add puts files into a repository, as a commit that main stands for from then
// on, and returns the repository. Names with a slash lie in folders.
func (s *Server) Add(id string, files map[string]string) *Repo {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	repo := s.repos[id]
	if repo == nil {
		repo = &Repo{ID: id, revisions: map[string]string{}, commits: map[string]map[string]string{}}
		s.repos[id] = repo
	}
	repo.Commit("main", files)
	return repo
}

// Move makes an id lead to another.
func (s *Server) Move(from, to string) { s.moved[from] = to }

// Commit sets a branch or tag to new files, and returns the commit.
func (r *Repo) Commit(revision string, files map[string]string) string {
	h := sha1.New()
	for _, name := range sortedKeys(files) {
		fmt.Fprintf(h, "%s %s %s\n", r.ID, name, gitSum(files[name]))
	}
	commit := hex.EncodeToString(h.Sum(nil))
	r.commits[commit], r.revisions[revision] = files, commit
	return commit
}

// Head is the commit that a branch or tag stands for.
func (r *Repo) Head(revision string) string { return r.revisions[revision] }

// Requests are all that were sent since the last call.
func (s *Server) Requests() []Request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	list := s.requests
	s.requests = nil
	return list
}

// ETag is the name of a content in the cache.
func (s *Server) ETag(content string) string {
	if s.isLarge(content) {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:])
	}
	return gitSum(content)
}

func (s *Server) isLarge(content string) bool { return len(content) >= s.Large }

func gitSum(content string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

func sortedKeys(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// handler notes the request, then lets a fault answer, or serve.
func (s *Server) handler(large bool, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.requests = append(s.requests, Request{
			Method: r.Method, Path: r.URL.EscapedPath(), Large: large, Authorization: r.Header.Get("Authorization"),
			Range: r.Header.Get("Range"), UserAgent: r.Header.Get("User-Agent"),
		})
		answer := s.fault(r, large)
		s.mutex.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		serve(w, r)
	})
}

// split takes an id from the front of a path: that of a known repository, else
// OWNER/NAME.
func (s *Server) split(path string) (id, rest string) {
	parts := strings.Split(path, "/")
	first := 0
	if parts[0] == "datasets" {
		first = 1
	}
	for _, n := range []int{first + 1, first + 2} {
		if n <= len(parts) {
			id = strings.Join(parts[:n], "/")
			if s.repos[id] != nil || s.moved[id] != "" {
				break
			}
		}
	}
	return id, strings.TrimPrefix(strings.TrimPrefix(path, id), "/")
}
