package hub

import (
	"bufio"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

// TestInteropLocks: a file that Python downloads is not downloaded here at the
// same time, nor the other way round.
func TestInteropLocks(t *testing.T) {
	server, cache := hubtest.New(t)
	server.Add(id, files())
	path := filepath.Join(cache, ".locks", "models--google--t5-tiny", server.ETag(large)+".lock")
	says, release := hold(t, path)
	<-says
	<-says
	c, _ := testClient(t)
	done := make(chan error)
	go func() {
		_, err := get(c, at("main"), model)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("did not wait for Python: %v", err)
	case <-time.After(3 * lockPoll):
	}
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	unlock, err := lock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	says, release = hold(t, path)
	<-says
	select {
	case said := <-says:
		t.Fatalf("Python did not wait, it says %s", said)
	case <-time.After(3 * lockPoll):
	}
	unlock()
	<-says
	release()
}

// hold lets Python lock a file, and returns what it says: that it is locking,
// and then that it holds the lock. It does until release is called.
func hold(t *testing.T, path string) (says <-chan string, release func()) {
	t.Helper()
	command := hubtest.PythonCommand(t, "hold", path)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 3)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said <- lines.Text()
		}
		close(said)
	}()
	return said, func() {
		in.Close()
		for range said {
		}
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
}
