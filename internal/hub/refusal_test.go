package hub

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		repo  Repo
		token string
		file  string
		setUp func(s *hubtest.Server, r *hubtest.Repo)
		is    error
		words []string
	}{
		"no such id": {
			repo: Repo{Model, "nobody/nothing", "main"}, is: ErrNoRepo,
			words: []string{`has no model "nobody/nothing", or it is private`, "a private one needs HF_TOKEN"},
		},
		"no such id, with a token": {
			repo: Repo{Model, "nobody/nothing", "main"}, token: "right", is: ErrNoRepo,
			words: []string{`has no model "nobody/nothing"`, "the token of HF_TOKEN was sent"},
		},
		"an owner left out": {
			repo: Repo{Model, "nothing", "main"}, is: ErrNoRepo, words: []string{"most ids have an owner"},
		},
		"a data set": {
			repo: Repo{Dataset, "nobody/nothing", "main"}, is: ErrNoRepo, words: []string{`has no data set "nobody/nothing"`},
		},
		"private": {
			repo: at("main"), setUp: func(_ *hubtest.Server, r *hubtest.Repo) { r.Private = true }, is: ErrNoRepo,
			words: []string{"or it is private", "HF_TOKEN"},
		},
		"a wrong token": {
			repo: Repo{Model, "nobody/nothing", "main"}, token: "hf_wrong", is: ErrRefused, words: []string{"does not accept the token of HF_TOKEN"},
		},
		"gated": {
			repo: at("main"), setUp: func(_ *hubtest.Server, r *hubtest.Repo) { r.Gated = true }, is: ErrRefused,
			words: []string{`model "google/t5-tiny" is gated`, "/google/t5-tiny and set HF_TOKEN"},
		},
		"gated, with another account's token": {
			repo: at("main"), token: "hf_other", setUp: func(_ *hubtest.Server, r *hubtest.Repo) { r.Gated = true }, is: ErrRefused,
			words: []string{"gated", "the token of HF_TOKEN has no access"},
		},
		"no such revision": {
			repo: at("v9"), is: ErrNoRevision, words: []string{`model "google/t5-tiny" has no revision "v9"`},
		},
		"no such file": {
			repo: at("main"), file: "vocab.txt", is: ErrNoFile, words: []string{`model "google/t5-tiny" has no file "vocab.txt"`},
		},
		"no such file, without the Hub's code": {
			repo: at("main"), setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.Fail("/resolve/", 1, hubtest.Status(404)) }, is: ErrNoFile,
			words: []string{"no file"},
		},
		"forbidden": {
			repo: at("main"), is: ErrRefused, words: []string{"forbids", "(not yours)", "set HF_TOKEN"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) {
				s.Fail("/api/", 1, hubtest.Status(403, "X-Error-Message: not yours\u202e"))
			},
		},
		"forbidden, with a token": {
			repo: at("main"), token: "hf_weak", is: ErrRefused, words: []string{"the one of HF_TOKEN does not do"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.Fail("/api/", 1, hubtest.Status(403)) },
		},
		"something else": {
			repo: at("main"), words: []string{"418 I'm a teapot"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.Fail("/api/", 1, hubtest.Status(418)) },
		},
		"the other host": {
			repo: at("main"), words: []string{"to which the Hub redirects for model.safetensors", "403 Forbidden"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.FailLarge("", 1, hubtest.Status(403)) },
		},
		"no Hub": {
			repo: at("main"), words: []string{"HF_ENDPOINT"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.Fail("/api/", 1, hubtest.Whole("<html>log in</html>")) },
		},
		"no commit": {
			repo: at("main"), words: []string{"HF_ENDPOINT"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.Fail("/api/", 1, hubtest.Name("../../etc", "a")) },
		},
		"no checksum": {
			repo: at("main"), words: []string{"no checksum"},
			setUp: func(s *hubtest.Server, r *hubtest.Repo) {
				s.Fail("/resolve/", 1, hubtest.Status(302, "X-Repo-Commit: "+r.Head("main"), "ETag: ../../refs/main", "Location: "+s.Files))
			},
		},
		"another commit": {
			repo: at("main"), words: []string{"X-Repo-Commit"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) { s.Fail("/resolve/", 1, hubtest.Status(200, "ETag: x")) },
		},
		"no size": {
			repo: at("main"), words: []string{"X-Linked-Size"},
			setUp: func(s *hubtest.Server, r *hubtest.Repo) {
				s.Fail("/resolve/", 1, hubtest.Status(302, "X-Repo-Commit: "+r.Head("main"), "ETag: "+strings.Repeat("a", 64), "Location: "+s.Files))
			},
		},
		"a redirect to no address": {
			repo: at("main"), words: []string{"not safe or not an address"},
			setUp: func(s *hubtest.Server, _ *hubtest.Repo) {
				s.Fail("/api/", 1, hubtest.Status(302, "Location: file:///etc/passwd"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			repo := server.Add(id, files())
			if test.setUp != nil {
				test.setUp(server, repo)
			}
			if test.token == "right" {
				test.token = server.Token
			}
			t.Setenv("HF_TOKEN", test.token)
			if test.file == "" {
				test.file = model
			}
			c, _ := testClient(t)
			_, err := get(c, test.repo, test.file)
			wantError(t, err, test.words...)
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if strings.Contains(err.Error(), "\u202e") {
				t.Errorf("%q controls the terminal", err)
			}
			wantNothing(t, cache)
		})
	}
}

func TestATypo(t *testing.T) {
	server, cache := hubtest.New(t)
	for _, folder := range []string{"models--google--t5-v1_1-small", "models--bert-base-uncased", "datasets--nyu-mll--glue", "models--goggle--t5"} {
		if err := os.MkdirAll(filepath.Join(cache, folder), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	server.Add("google/other", files())
	for asked, want := range map[Repo]string{
		{Model, "google/t5-v1_1-smal", "main"}: `did you mean "google/t5-v1_1-small"?`,
		{Model, "t5-v1_1-small", "main"}:       `did you mean "google/t5-v1_1-small"?`,
		{Model, "bert-base-uncasd", "main"}:    `did you mean "bert-base-uncased"?`,
		{Model, "glue", "main"}:                "most ids have an owner",
		{Dataset, "glue", "main"}:              `did you mean "nyu-mll/glue"?`,
		{Model, "goggle/t5", "main"}:           "private: (a private one", // not itself, though it is there
	} {
		c, _ := testClient(t)
		_, err := get(c, asked, model)
		if want == "private: (a private one" {
			if strings.Contains(err.Error(), `mean "goggle/t5"`) {
				t.Errorf("%v", err)
			}
			continue
		}
		wantError(t, err, want)
	}
}

// TestHostileNames: a name of a file that leads out of its snapshot ends it all,
// whether the file is wanted or not.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{
		"../../../../evil", "/etc/evil", "a/../../evil", "a//b", "./evil", "..", ".", "", `..\evil`, "a\nb", "a\x00b", "a/..",
	} {
		server, cache := hubtest.New(t)
		server.Add(id, files())
		server.Fail("/api/", 1, hubtest.Name(strings.Repeat("a", 40), name))
		c, _ := testClient(t)
		_, err := get(c, at("main"), model)
		wantError(t, err, "refused")
		wantNothing(t, cache)
	}
}

// TestLinksOutOfTheCache: nothing is read or written through a link that leads
// out of the cache.
func TestLinksOutOfTheCache(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	for name, plant := range map[string]func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo){
		"a file of the snapshot": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, secret, filepath.Join(folder, "snapshots", r.Head("main"), model))
		},
		"a folder of the snapshot": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, outside, filepath.Join(folder, "snapshots", r.Head("main"), "onnx"))
		},
		"the snapshot": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, outside, filepath.Join(folder, "snapshots", r.Head("main")))
		},
		"the blobs": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, outside, filepath.Join(folder, "blobs"))
		},
		"a blob": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, secret, filepath.Join(folder, "blobs", s.ETag(large)))
		},
		"a download": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, secret, filepath.Join(folder, "blobs", s.ETag(large)+".incomplete"))
		},
		"the references": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, outside, filepath.Join(folder, "refs"))
		},
		"a lock": func(t *testing.T, folder string, s *hubtest.Server, r *hubtest.Repo) {
			link(t, secret, filepath.Join(folder, "../.locks", filepath.Base(folder), s.ETag(large)+".lock"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			content := "not the cache's"
			if name == "a blob" {
				content = large // even of the right size
			}
			if err := os.WriteFile(secret, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			server, cache := hubtest.New(t)
			repo := server.Add(id, files())
			plant(t, filepath.Join(cache, "models--google--t5-tiny"), server, repo)
			c, _ := testClient(t)
			dir, err := get(c, at("main"), "onnx/model.onnx", model)
			if err == nil {
				wantFile(t, filepath.Join(dir, model), large)
				if real, _ := filepath.EvalSymlinks(filepath.Join(dir, model)); !strings.HasPrefix(real, cache) {
					t.Errorf("the weights lie in %s", real)
				}
			}
			wantFile(t, secret, content)
			entries, err := os.ReadDir(outside)
			if err != nil || len(entries) != 1 {
				t.Errorf("outside of the cache: %v, %v", entries, err)
			}
		})
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestCachedLinksOutOfTheCache(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	c, _ := testClient(t)
	dir := mustGet(t, c, at("main"), "config.json")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	link(t, secret, filepath.Join(dir, model))
	_, err := c.Cached(at("main"))
	wantError(t, err, filepath.Join(dir, model), secret, "refused")

	// huggingface_hub's store of contents that repositories share is no trick.
	shared := filepath.Join(cache, "blobs", "ab", "abcd")
	blob := filepath.Join(cache, "models--google--t5-tiny", "blobs", server.ETag(files()["config.json"]))
	if err := os.MkdirAll(filepath.Dir(shared), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(blob, shared); err != nil {
		t.Fatal(err)
	}
	link(t, "../../blobs/ab/abcd", blob)
	if err := os.Remove(filepath.Join(dir, model)); err != nil {
		t.Fatal(err)
	}
	if cached, err := c.Cached(at("main")); err != nil || cached == nil || !cached.Has("config.json") {
		t.Errorf("%+v, %v", cached, err)
	}

	// Nor are a user's own links above the repository.
	elsewhere := filepath.Join(t.TempDir(), "disk")
	folder := filepath.Join(cache, "models--google--t5-tiny")
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(shared, blob); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder, elsewhere); err != nil {
		t.Fatal(err)
	}
	link(t, elsewhere, folder)
	if cached, err := c.Cached(at("main")); err != nil || cached == nil || !cached.Has("config.json") {
		t.Errorf("%+v, %v", cached, err)
	}
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
}

func TestAReferenceThatIsNone(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	c, _ := testClient(t)
	mustGet(t, c, at("main"), "config.json")
	path := filepath.Join(cache, "models--google--t5-tiny", "refs", "main")
	if err := os.WriteFile(path, []byte("../../../etc"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := c.Cached(at("main"))
	wantError(t, err, path, "no commit")
}

func TestStatusesAreWorded(t *testing.T) {
	if got := statusText(&http.Response{StatusCode: 599}); got != "599" {
		t.Errorf("got %q", got)
	}
}
