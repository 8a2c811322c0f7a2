package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// process is a worker, seen from outside.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser
	asks    *json.Encoder
	answers *json.Decoder
	errors  strings.Builder // what it wrote besides
}

// startProcess starts a worker and gives it its job.
func startProcess(ctx context.Context, command []string, j job) (*process, ready, error) {
	p := &process{command: exec.CommandContext(ctx, command[0], command[1:]...)}
	p.command.Env = append(os.Environ(), "HF_HUB_OFFLINE=1") // the model is here
	p.command.Stderr = &p.errors
	var r ready
	var err error
	if p.input, err = p.command.StdinPipe(); err != nil {
		return nil, r, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, r, err
	}
	p.asks, p.answers = json.NewEncoder(p.input), json.NewDecoder(out)
	if err := p.command.Start(); err != nil {
		return nil, r, err
	}
	if err := p.exchange(j, &r); err != nil {
		return nil, r, err
	}
	if r.Error != "" {
		p.close()
		return nil, r, errors.New(r.Error)
	}
	return p, r, nil
}

func (p *process) step(r request) (answer, error) {
	var a answer
	if err := p.exchange(r, &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// exchange sends a line and reads its answer. A worker that has ended is an
// error with the last line that it wrote, where there is one; a broken pipe
// would say less.
func (p *process) exchange(ask, answer any) error {
	p.asks.Encode(ask)
	err := p.answers.Decode(answer)
	if err == nil {
		return nil
	}
	p.close()
	lines := strings.Split(strings.TrimSpace(p.errors.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("it ended early: %s", last)
	}
	if errors.Is(err, io.EOF) {
		return errors.New("it ended early")
	}
	return fmt.Errorf("it answered what is no answer: %w", err)
}

// close ends the worker's input, and waits for its end.
func (p *process) close() {
	p.input.Close()
	p.command.Wait()
}
