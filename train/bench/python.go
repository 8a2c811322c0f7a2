package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	thirdparty "github.com/gopet-ml/gopet/third_party"
)

// SetUpPython installs PyTorch, transformers and peft of pinned versions with
// pip in gopet's cache, unless they are there, and returns the interpreter that
// has them. It needs bash, Python and pip; what they say goes to log.
func SetUpPython(ctx context.Context, log io.Writer) (python string, err error) {
	dir, err := os.MkdirTemp("", "gopet-python-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, thirdparty.Fetch); err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, "bash", filepath.Join(dir, "fetch.sh"), "python-oracles")
	command.Stderr = log
	out, err := command.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("cannot set Python up for the peers (%w); what is above says why, and --python PATH takes one that is there", err)
	}
	return strings.TrimSpace(string(out)), nil
}
