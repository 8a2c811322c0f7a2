package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// full says which limit the test binary, started again, is to fill a disk under.
const fullEnv = "ATOMICFILE_TEST_FULL"

func TestMain(m *testing.M) {
	if how := os.Getenv(fullEnv); how != "" {
		os.Exit(fillDisk(how))
	}
	os.Exit(m.Run())
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), names(t, dir)); diff != "" {
		t.Errorf("names in the directory (-want +got):\n%s", diff)
	}
}

func TestWriteMakesAndReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	for _, content := range []string{"one", "a longer second", ""} {
		if err := Write(path, text(content)); err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, path); got != content {
			t.Errorf("got %q, want %q", got, content)
		}
	}
	wantNames(t, dir, "a.json")
}

func TestWriteHonoursUmask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	old := syscall.Umask(0o027)
	err := Write(path, text("x"))
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 0640", info.Mode().Perm())
	}
}

func TestWriteFailureLeavesTheOldFile(t *testing.T) {
	errRefused := errors.New("refused")
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("new", 1<<20))
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if want := "write " + path + ": refused"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := mustRead(t, path); got != "old" {
		t.Errorf("the old file was changed to %.20q", got)
	}
	wantNames(t, dir, "a")
}

func TestPanicLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	swallow := func(f func()) {
		defer func() { recover() }()
		f()
	}
	swallow(func() { Write(filepath.Join(dir, "a"), func(io.Writer) error { panic("a") }) })
	swallow(func() { WriteDir(filepath.Join(dir, "b"), func(string) error { panic("b") }) })
	wantNames(t, dir)
}

func TestWriteIntoMissingDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "a")
	err := Write(path, text("x"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if want := "write " + path + ": no such file or directory; make its directory first"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestWriteOverADirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, text("x")); err == nil || strings.Contains(err.Error(), "tmp-") {
		t.Errorf("got %v, want an error that names the target alone", err)
	}
	wantNames(t, dir, "taken")
}

func TestWriteDirMakesAndReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "best")
	for _, name := range []string{"one", "two"} {
		err := WriteDir(path+"/", func(tmp string) error {
			if err := os.Mkdir(filepath.Join(tmp, "sub"), 0o777); err != nil {
				return err
			}
			return Write(filepath.Join(tmp, "sub", name), text(name))
		})
		if err != nil {
			t.Fatal(err)
		}
		wantNames(t, dir, "best")
		wantNames(t, filepath.Join(path, "sub"), name)
	}
}

func TestReplaceDirInTwoSteps(t *testing.T) {
	dir := t.TempDir()
	fresh, path := filepath.Join(dir, "fresh"), filepath.Join(dir, "best")
	for _, d := range []string{fresh, path} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := Write(filepath.Join(d, "was-"+filepath.Base(d)), text("")); err != nil {
			t.Fatal(err)
		}
	}
	if err := replaceDirInTwoSteps(fresh, path); err != nil {
		t.Fatal(err)
	}
	wantNames(t, path, "was-fresh")
	wantNames(t, fresh, "was-best")
	wantNames(t, dir, "best", "fresh")
}

func TestWriteDirFailureLeavesTheOldDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "best")
	fill := func(name string, result error) error {
		return WriteDir(path, func(tmp string) error {
			if err := os.WriteFile(filepath.Join(tmp, name), []byte(name), 0o666); err != nil {
				return err
			}
			return result
		})
	}
	if err := fill("old", nil); err != nil {
		t.Fatal(err)
	}
	errRefused := errors.New("refused")
	if err := fill("new", errRefused); !errors.Is(err, errRefused) {
		t.Errorf("got %v, want the function's own error", err)
	}
	wantNames(t, dir, "best")
	wantNames(t, path, "old")
}

func TestWriteDirOverAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := Write(path, text("precious")); err != nil {
		t.Fatal(err)
	}
	err := WriteDir(path, func(string) error { return nil })
	if !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v, want ENOTDIR", err)
	}
	if got := mustRead(t, path); got != "precious" {
		t.Errorf("the file was changed to %q", got)
	}
}

// TestFileSizeLimit runs everywhere: past RLIMIT_FSIZE a write fails half-way,
// as it does on a full disk.
func TestFileSizeLimit(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullEnv+"=limit", "TMPDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullEnv+"=tmpfs", "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == cannotMount {
		t.Skipf("cannot mount a small tmpfs in a namespace of our own: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

const cannotMount = 3

// fillDisk runs in a process of its own, started by the two tests above.
func fillDisk(how string) int {
	dir := os.TempDir()
	want := error(syscall.ENOSPC)
	switch how {
	case "tmpfs":
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
			fmt.Println(err)
			return cannotMount
		}
	case "limit":
		want = syscall.EFBIG
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if err := checkFull(dir, want); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func checkFull(dir string, want error) error {
	tooMuch := text(strings.Repeat("x", 3<<20))
	file, sub := filepath.Join(dir, "file"), filepath.Join(dir, "sub")
	if err := Write(file, text("old")); err != nil {
		return err
	}
	for path, err := range map[string]error{
		file:                     Write(file, tooMuch),
		filepath.Join(sub, "in"): WriteDir(sub, func(tmp string) error { return Write(filepath.Join(tmp, "in"), tooMuch) }),
	} {
		if !errors.Is(err, want) {
			return fmt.Errorf("%s: got %v, want %v", path, err, want)
		}
		if text := err.Error(); !strings.HasPrefix(text, "write "+path+": ") || strings.Contains(text, "\n") || strings.Contains(text, "tmp-") {
			return fmt.Errorf("not one line that names %s: %q", path, text)
		}
		fmt.Println(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(left) != 1 || left[0].Name() != "file" {
		return fmt.Errorf("left behind: %v", left)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "old" {
		return fmt.Errorf("the old file: %q, %w", data, err)
	}
	return nil
}
