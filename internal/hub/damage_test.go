package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

const model = "model.safetensors"

// ranges are the ranges that were asked of the host of large files.
func ranges(server *hubtest.Server) []string {
	var list []string
	for _, request := range server.Requests() {
		if request.Large {
			list = append(list, request.Range)
		}
	}
	return list
}

func wantRanges(t *testing.T, server *hubtest.Server, want ...string) {
	t.Helper()
	if got := ranges(server); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("asked for the ranges %q, want %q", got, want)
	}
}

func TestACutConnectionIsResumed(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	for _, at := range []int{20000, 30000, 60000} {
		server.FailLarge(server.ETag(large), 1, hubtest.Cut(large, at))
	}
	c, waits := testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
	wantRanges(t, server, "", "bytes=20000-", "bytes=30000-", "bytes=60000-")
	// Each attempt got further than the one before.
	if want := "[0s 0s 0s]"; fmt.Sprint(*waits) != want {
		t.Errorf("waited %v, want %s", *waits, want)
	}
}

func TestANewProcessResumes(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	server.FailLarge(server.ETag(large), 1, hubtest.Cut(large, 40000))
	server.FailLarge(server.ETag(large), attempts, hubtest.Cut(large, 0))
	c, _ := testClient(t)
	_, err := get(c, at("main"), model)
	wantError(t, err, "cut the connection", "5 attempts")
	folder := filepath.Join(cache, "models--google--t5-tiny")
	wantFile(t, filepath.Join(folder, "blobs", server.ETag(large)+".incomplete"), large[:40000])
	for _, name := range []string{"blobs/" + server.ETag(large), "refs", "snapshots"} {
		if _, err := os.Lstat(filepath.Join(folder, name)); err == nil {
			t.Errorf("%s is there after a cut", name)
		}
	}
	server.Requests()

	c, _ = testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
	wantRanges(t, server, "bytes=40000-")
}

func TestAWholePartialFileNeedsNoDownload(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	leave(t, cache, server.ETag(large)+".incomplete", large)
	c, _ := testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
	wantRanges(t, server)
}

// leave puts a file among the blobs of the test's repository.
func leave(t *testing.T, cache, name, content string) {
	t.Helper()
	blobs := filepath.Join(cache, "models--google--t5-tiny", "blobs")
	if err := os.MkdirAll(blobs, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(blobs, name), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatIgnoresRanges(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	server.FailLarge(server.ETag(large), 1, hubtest.Cut(large, 40000))
	server.FailLarge(server.ETag(large), 1, hubtest.Whole(large))
	c, _ := testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
	wantRanges(t, server, "", "bytes=40000-")
}

// TestNoProgressWithoutRanges: a server that starts anew and is cut at the same
// byte each time is given up.
func TestNoProgressWithoutRanges(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	server.FailLarge(server.ETag(large), 100, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		hubtest.Cut(large, 1000)(w, r)
	})
	c, _ := testClient(t)
	_, err := get(c, at("main"), model)
	wantError(t, err, "cut the connection", "5 attempts")
}

func TestAWrongRangeIsRefused(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	server.FailLarge(server.ETag(large), 1, hubtest.Cut(large, 40000))
	server.FailLarge(server.ETag(large), 1, hubtest.Status(http.StatusPartialContent, "Content-Range: bytes 0-65535/65536"))
	c, _ := testClient(t)
	_, err := get(c, at("main"), model)
	wantError(t, err, model, "from byte 40000", "bytes 0-65535/65536")
}

func TestAWrongContentIsNotKept(t *testing.T) {
	same := strings.Replace(large, "f", "x", 1)
	for name, answer := range map[string]string{
		"of the same size": same,
		"longer":           same + "and more",
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			server.Add(id, files())
			server.FailLarge(server.ETag(large), 100, hubtest.Whole(answer))
			c, _ := testClient(t)
			_, err := get(c, at("main"), model)
			wantError(t, err, model, `"google/t5-tiny"`, "checksum", server.ETag(large))
			wantNothing(t, cache)
		})
	}
	t.Run("of a small file", func(t *testing.T) {
		server, cache := hubtest.New(t)
		server.Add(id, files())
		server.Fail("resolve-cache", 1, hubtest.Status(200, "X-Repo-Commit: "+server.Add(id, files()).Head("main"),
			`ETag: "`+server.ETag("another")+`"`, "Content-Length: 7"))
		c, _ := testClient(t)
		_, err := get(c, at("main"), "config.json")
		wantError(t, err, "config.json", "checksum")
		wantNothing(t, cache)
	})
}

// TestAWrongPartialFileIsThrownAway: what an earlier attempt left was not what
// it should be.
func TestAWrongPartialFileIsThrownAway(t *testing.T) {
	for name, left := range map[string]string{"short": "wrong", "long": large + "x"} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			server.Add(id, files())
			leave(t, cache, server.ETag(large)+".incomplete", left)
			c, _ := testClient(t)
			wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
		})
	}
}

func TestABlobOfAnotherSizeIsReplaced(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	leave(t, cache, server.ETag(large), large[:100])
	c, _ := testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
}

func TestABusyServer(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		wait   string
	}{
		"says how long":        {hubtest.Status(429, "Retry-After: 7"), "7s"},
		"says until when":      {hubtest.Status(503, "Retry-After: "+time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)), "0s"},
		"says it the new way":  {hubtest.Status(429, `RateLimit: "api";r=0;t=55`), "55s"},
		"says nothing":         {hubtest.Status(502), "1s"},
		"says what is no time": {hubtest.Status(500, "Retry-After: soon"), "1s"},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := hubtest.New(t)
			server.Add(id, files())
			server.Fail("api/models", 1, test.answer)
			server.Fail("/resolve/", 1, test.answer)
			server.FailLarge("", 1, test.answer)
			c, waits := testClient(t)
			wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
			if want := fmt.Sprint([]string{test.wait, test.wait, test.wait}); fmt.Sprint(*waits) != want {
				t.Errorf("waited %v, want %s", *waits, want)
			}
		})
	}
}

func TestACutBeforeTheAnswer(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	gone := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	server.Fail("api/models", 2, gone)
	server.Fail("/resolve/", 2, gone)
	server.FailLarge("", 2, gone)
	c, waits := testClient(t)
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
	if len(*waits) == 0 {
		t.Error("did not wait") // not each time: net/http asks again by itself on a connection that was used before
	}
}

func TestABusyServerIsGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		waits  string
		words  string
	}{
		"that stays so":   {hubtest.Status(504), "[1s 2s 4s 8s]", "504 Gateway Timeout (5 attempts)"},
		"for a long time": {hubtest.Status(429, "Retry-After: 86400"), "[]", "it asks to wait 24h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			server.Add(id, files())
			server.Fail("", 100, test.answer)
			c, waits := testClient(t)
			_, err := get(c, at("main"), model)
			wantError(t, err, test.words)
			if fmt.Sprint(*waits) != test.waits {
				t.Errorf("waited %v, want %s", *waits, test.waits)
			}
			wantNothing(t, cache)
		})
	}
}

func TestAConnectionThatHangs(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	server.FailLarge("", 1, hubtest.Hang())
	c, waits := testClient(t)
	c.stall = 100 * time.Millisecond
	wantFile(t, filepath.Join(mustGet(t, c, at("main"), model), model), large)
	if len(*waits) != 1 {
		t.Errorf("waited %v, want once", *waits)
	}
}

func TestNoServer(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Close()
	c, waits := testClient(t)
	_, err := get(c, at("main"), model)
	wantError(t, err, "cannot reach 127.0.0.1:", "connection refused", "HF_HUB_OFFLINE=1")
	if !errors.Is(err, ErrOffline) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v is not ErrOffline and ECONNREFUSED", err)
	}
	if len(*waits) > 0 {
		t.Errorf("waited %v", *waits)
	}
	wantNothing(t, cache)
}

func TestTooManyRedirects(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Move("a/b", "a/c")
	server.Move("a/c", "a/b")
	c, _ := testClient(t)
	_, err := get(c, Repo{Model, "a/b", "main"}, model)
	wantError(t, err, "redirects more than 10 times")
}

// TestFullDisk downloads in a process that may not write files beyond a limit,
// where a write fails as it does on a full disk.
func TestFullDisk(t *testing.T) {
	const variable = "GOPET_TEST_FILE_LIMIT"
	if os.Getenv(variable) != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20000, Max: 20000}); err != nil {
			t.Fatal(err)
		}
		c, _ := testClient(t)
		_, err := get(c, at("main"), model)
		if !errors.Is(err, syscall.EFBIG) {
			t.Errorf("got %v", err)
		}
		wantError(t, err, "the Hub's cache in ", "free some space, or set HF_HUB_CACHE")
		return
	}
	server, cache := hubtest.New(t)
	server.Add(id, files())
	command := exec.Command(os.Args[0], "-test.run", "^TestFullDisk$")
	command.Env = append(os.Environ(), variable+"=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	wantNothing(t, cache)
}

func TestTooLittleSpace(t *testing.T) {
	err := checkSpace(t.TempDir(), 1<<60)
	wantError(t, err, "MB to download", "MB free")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v is not ENOSPC", err)
	}
}

func TestACacheThatCannotBeWritten(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	if err := os.WriteFile(cache, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	c, _ := testClient(t)
	_, err := get(c, at("main"), model)
	wantError(t, err, cache, "not a directory")
}

func TestLocked(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	path := filepath.Join(cache, ".locks", "models--google--t5-tiny", server.ETag(large)+".lock")
	unlock, err := lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := testClient(t)
	done := make(chan error)
	go func() {
		_, err := get(c, at("main"), model)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("did not wait for the lock: %v", err)
	case <-time.After(3 * lockPoll):
	}
	// The other process has downloaded it meanwhile.
	leave(t, cache, server.ETag(large), large)
	unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantRanges(t, server)
}

func TestLockWaitsNoLongerThanItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "lock")
	unlock, err := lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestManyAtOnce: clients, each with locks of its own as processes have them,
// download each file once.
func TestManyAtOnce(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, files())
	const clients = 4
	errs := make(chan error)
	for range clients {
		c, _ := testClient(t)
		go func() {
			dir, err := get(c, at("main"), "config.json", model)
			if err == nil {
				var content []byte
				if content, err = os.ReadFile(filepath.Join(dir, model)); string(content) != large {
					err = fmt.Errorf("a wrong content, %w", err)
				}
			}
			errs <- err
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantRanges(t, server, "")
}
