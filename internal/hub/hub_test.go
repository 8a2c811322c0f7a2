package hub

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

const id = "google/t5-tiny"

// large is a file that the server keeps on another host.
var large = strings.Repeat("0123456789abcdef", 4096)

func files() map[string]string {
	return map[string]string{"config.json": `{"model_type": "t5"}`, "model.safetensors": large, "onnx/model.onnx": "in a folder"}
}

// waits are the pauses that a client of the test made, without making them.
type waits []time.Duration

func testClient(t *testing.T) (*Client, *waits) {
	t.Helper()
	c, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	made := &waits{}
	c.Pause = func(_ context.Context, d time.Duration) error {
		*made = append(*made, d)
		return nil
	}
	t.Cleanup(c.Close)
	return c, made
}

func at(revision string) Repo { return Repo{Model, id, revision} }

// get downloads files of a repository.
func get(c *Client, repo Repo, names ...string) (string, error) {
	s, err := c.Snapshot(context.Background(), repo)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.Fetch(context.Background(), names...); err != nil {
		return "", err
	}
	return s.Place()
}

func mustGet(t *testing.T, c *Client, repo Repo, names ...string) string {
	t.Helper()
	dir, err := get(c, repo, names...)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func wantFile(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%s: %.40q, %v; want %.40q", path, got, err, content)
	}
}

// wantNothing fails where the cache has anything but empty folders and locks.
func wantNothing(t *testing.T, cache string) {
	t.Helper()
	filepath.WalkDir(cache, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) != ".lock" {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	for _, secret := range []string{"hf_", hubtest.Signature, "c0ffee", "\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q says %q", err, secret)
		}
	}
}

func TestLayoutOfTheCache(t *testing.T) {
	server, cache := hubtest.New(t)
	repo := server.Add(id, files())
	c, _ := testClient(t)
	dir := mustGet(t, c, at("main"), "config.json", "onnx/model.onnx", "model.safetensors")

	folder := filepath.Join(cache, "models--google--t5-tiny")
	commit := repo.Head("main")
	if want := filepath.Join(folder, "snapshots", commit); dir != want {
		t.Errorf("got %s, want %s", dir, want)
	}
	for name, content := range files() {
		wantFile(t, filepath.Join(dir, name), content)
		wantFile(t, filepath.Join(folder, "blobs", server.ETag(content)), content)
	}
	for name, want := range map[string]string{
		"config.json":     "../../blobs/" + server.ETag(files()["config.json"]),
		"onnx/model.onnx": "../../../blobs/" + server.ETag("in a folder"),
	} {
		if target, err := os.Readlink(filepath.Join(dir, name)); err != nil || target != want {
			t.Errorf("%s links to %q (%v), want %q", name, target, err, want)
		}
	}
	wantFile(t, filepath.Join(folder, "refs", "main"), commit)
	if left, _ := filepath.Glob(filepath.Join(folder, "blobs", "*.incomplete")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	cached, err := c.Cached(at("main"))
	if err != nil || cached == nil || cached.Dir != dir || !cached.Has("onnx/model.onnx") || cached.Has("onnx") {
		t.Errorf("cached: %+v, %v", cached, err)
	}
	if cached, err := c.Cached(at(commit)); err != nil || cached == nil || cached.Dir != dir {
		t.Errorf("cached by its commit: %+v, %v", cached, err)
	}
	for _, other := range []string{"v2", "main/v2", strings.Repeat("0", 40)} {
		if cached, err := c.Cached(at(other)); err != nil || cached != nil {
			t.Errorf("cached at %s: %+v, %v", other, cached, err)
		}
	}
}

func TestRevisions(t *testing.T) {
	server, cache := hubtest.New(t)
	repo := server.Add(id, files())
	changed := files()
	changed["config.json"] = `{"model_type": "bert"}`
	old := repo.Head("main")
	commit := repo.Commit("refs/convert/parquet", changed)
	c, _ := testClient(t)
	folder := filepath.Join(cache, "models--google--t5-tiny")

	dir := mustGet(t, c, at("refs/convert/parquet"), "config.json")
	wantFile(t, filepath.Join(dir, "config.json"), changed["config.json"])
	wantFile(t, filepath.Join(folder, "refs/refs/convert/parquet"), commit)

	dir = mustGet(t, c, at(old), "config.json")
	wantFile(t, filepath.Join(dir, "config.json"), files()["config.json"])
	if _, err := os.Stat(filepath.Join(folder, "refs", old)); err == nil {
		t.Error("a commit has got a reference")
	}

	// main moves on: a reference that is there is brought up to date.
	mustGet(t, c, at("main"), "config.json")
	now := repo.Commit("main", changed)
	mustGet(t, c, at("main"), "config.json")
	wantFile(t, filepath.Join(folder, "refs/main"), now)
}

func TestWhatIsThereIsNotDownloadedAgain(t *testing.T) {
	server, _ := hubtest.New(t)
	repo := server.Add(id, files())
	c, _ := testClient(t)
	mustGet(t, c, at("main"), "model.safetensors")
	server.Requests()
	changed := files()
	changed["config.json"] = "{}"
	repo.Commit("main", changed) // another commit with the same weights
	dir := mustGet(t, c, at("main"), "model.safetensors")
	wantFile(t, filepath.Join(dir, "model.safetensors"), large)
	for _, request := range server.Requests() {
		if request.Large {
			t.Errorf("downloaded again: %+v", request)
		}
	}
}

func TestTheTokenStaysAtTheEndpoint(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files()).Private = true
	t.Setenv("HF_TOKEN", server.Token+"\n")
	c, _ := testClient(t)
	mustGet(t, c, at("main"), "config.json", "model.safetensors")
	elsewhere := 0
	for _, request := range server.Requests() {
		want := "Bearer " + server.Token
		if request.Large {
			elsewhere, want = elsewhere+1, ""
		}
		if request.Authorization != want {
			t.Errorf("%+v: want the authorization %q", request, want)
		}
		if !strings.HasPrefix(request.UserAgent, "gopet/") {
			t.Errorf("user agent %q", request.UserAgent)
		}
	}
	if elsewhere == 0 {
		t.Error("nothing was asked of the other host")
	}
}

// TestTheTokenDoesNotComeBack: a host that redirects to the endpoint gets the
// answer to a question without a token.
func TestTheTokenDoesNotComeBack(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	t.Setenv("HF_TOKEN", server.Token)
	path := "/" + id + "/resolve/" + server.Add(id, files()).Head("main") + "/config.json"
	server.FailLarge(server.ETag(large), 1, hubtest.Status(307, "Location: "+server.URL+path))
	c, _ := testClient(t)
	if _, err := get(c, at("main"), "model.safetensors"); err == nil {
		t.Error("config.json passed for model.safetensors")
	}
	left := false
	for _, request := range server.Requests() {
		left = left || request.Large
		if left && request.Path == path && request.Authorization != "" {
			t.Errorf("%+v has a token again", request)
		}
	}
}

func TestRenamedRepository(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add("google/new-name", files())
	server.Move(id, "google/new-name")
	c, _ := testClient(t)
	dir := mustGet(t, c, at("main"), "config.json", "model.safetensors")
	wantFile(t, filepath.Join(dir, "model.safetensors"), large)
	if !strings.HasPrefix(dir, filepath.Join(cache, "models--google--t5-tiny")) {
		t.Errorf("%s is not under the name that was asked for", dir)
	}
}

func TestNamesOfFilesAreEscaped(t *testing.T) {
	server, _ := hubtest.New(t)
	name := "data/a b%2F#?+é.json"
	server.Add(id, map[string]string{name: "odd"})
	c, _ := testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), name), name), "odd")
}

func TestProgress(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	c, _ := testClient(t)
	var done, total int64
	c.Progress = func(d, all int64) {
		if d < done || d > all {
			t.Errorf("%d of %d bytes after %d", d, all, done)
		}
		done, total = d, all
	}
	server.FailLarge(server.ETag(large), 2, hubtest.Cut(large, 30000))
	mustGet(t, c, at("main"), "config.json", "model.safetensors")
	if want := int64(len(large) + len(files()["config.json"])); done != want || total != want {
		t.Errorf("ended at %d of %d bytes, want %d", done, total, want)
	}
}

func TestCancelled(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	server.FailLarge(server.ETag(large), 1, hubtest.Hang())
	c, _ := testClient(t)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := c.Snapshot(ctx, at("main"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := s.Fetch(ctx, "model.safetensors"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
