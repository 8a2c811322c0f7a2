package progress

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal: what is written to terminal can be read
// from screen.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

func resize(t *testing.T, terminal *os.File, columns int) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T, screen *os.File) string {
	t.Helper()
	buffer := make([]byte, 4096)
	n, err := screen.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func TestOnARealTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("NO_COLOR", "")
	screen, terminal := openTerminal(t)
	resize(t, terminal, 60)
	clock := newClockwork()
	bar := clock.bar(New(terminal, "train", 10))
	bar.Update(5)
	if got, want := sgr().ReplaceAllString(output(t, screen), ""), "\r\x1b[Ktrain  "+strings.Repeat("━", 15); !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
	resize(t, terminal, 20)
	clock.advance(redrawEvery)
	bar.Update(6)
	if got, want := sgr().ReplaceAllString(output(t, screen), ""), "\r\x1b[2A\x1b[J 6/10"; got != want {
		t.Errorf("made narrower: got %q, want %q", got, want)
	}
	bar.Finish()
	last := output(t, screen)
	for !strings.HasSuffix(last, "\n") { // it may come in parts
		last += output(t, screen)
	}
	if strings.Contains(last, "?25l") {
		t.Errorf("finished with %q", last)
	}
}

func TestOnADumbTerminal(t *testing.T) {
	t.Setenv("TERM", "dumb")
	screen, terminal := openTerminal(t)
	bar := newClockwork().bar(New(terminal, "train", 10))
	bar.Update(10)
	bar.Finish()
	if got, want := output(t, screen), "train: step 10/10, took 0s\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
