package bench

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gopet-ml/gopet/torch"
)

//go:embed floor.py
var floorScript string

// peer is PyTorch's floor in a Python process that makes a step for every
// line it is sent and answers with the seconds it took.
type peer struct {
	command *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Scanner
	errors  *strings.Builder
}

func newPeer(ctx context.Context, o Options) (contender, error) {
	p := &peer{errors: &strings.Builder{}}
	p.command = exec.CommandContext(ctx, o.Python, "-c", floorScript, o.Model,
		strconv.Itoa(o.Rows), strconv.Itoa(o.Length), strconv.Itoa(torch.NumThreads()), o.DType.String())
	p.command.Stderr = p.errors
	var err error
	if p.ask, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = bufio.NewScanner(out)
	return p, p.command.Start()
}

func (p *peer) step() (time.Duration, error) {
	if _, err := fmt.Fprintln(p.ask, "step"); err != nil {
		return 0, p.failure(nil) // a broken pipe says only that it has ended
	}
	if !p.answers.Scan() {
		return 0, p.failure(p.answers.Err())
	}
	seconds, err := strconv.ParseFloat(p.answers.Text(), 64)
	if err != nil {
		return 0, p.failure(err)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// failure tells the last line that Python wrote, where there is one.
func (p *peer) failure(err error) error {
	if err == nil {
		err = errors.New("it ended early")
	}
	p.ask.Close()
	p.command.Wait()
	lines := strings.Split(strings.TrimSpace(p.errors.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	return fmt.Errorf("PyTorch's floor: %w", err)
}

func (p *peer) close() {
	p.ask.Close()
	p.command.Wait()
}
