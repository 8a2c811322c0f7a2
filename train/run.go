package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/gopet-ml/gopet/torch"
)

// Run tunes a model as config says and leaves a run directory. It locks its
// goroutine to an OS thread while it computes.
//
// Bad settings and bad input are one-line errors that leave nothing behind. A
// run that fails later has a result.json of status "failed"; one whose context
// is cancelled saves a checkpoint, has the status "interrupted" and returns
// the context's error with its result. Observer may be nil.
func Run(ctx context.Context, config Config, observer Observer) (*Result, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if err := checkVacant(config.Out); err != nil {
		return nil, err
	}
	return guarded(func() (*Result, error) {
		t, err := prepare(ctx, config, observer)
		if err != nil {
			return nil, err
		}
		defer t.close()
		if t.dir, err = createRun(t.describe()); err != nil {
			return nil, err
		}
		return t.run(ctx)
	})
}

// Resume goes on with the interrupted run in a directory, from its last
// checkpoint, with the settings it was started with.
func Resume(ctx context.Context, dir string, observer Observer) (*Result, error) {
	var saved runConfig
	err := readJSON(filepath.Join(dir, configFile), &saved)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s: there is no run to resume", dir, configFile)
	}
	if err != nil {
		return nil, err
	}
	if result, err := ReadResult(dir); err == nil && result.Status == StatusFinished {
		return nil, fmt.Errorf("%s: the run has finished: there is nothing to resume", dir)
	}
	checkpoint, err := lastCheckpoint(dir)
	if err != nil {
		return nil, err
	}
	saved.Out = dir
	return guarded(func() (*Result, error) {
		t, err := prepare(ctx, saved.Config, observer)
		if err != nil {
			return nil, err
		}
		defer t.close()
		if err := t.checkUnchanged(saved); err != nil {
			return nil, err
		}
		if err := t.restore(checkpoint); err != nil {
			return nil, err
		}
		if t.dir, err = openRun(dir, t.progress); err != nil {
			return nil, err
		}
		return t.run(ctx)
	})
}

// guarded runs f on one OS thread and returns a *torch.Error that it panics
// with as its error.
func guarded(f func() (*Result, error)) (result *Result, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if failure := torch.Try(func() { result, err = f() }); failure != nil {
		return nil, failure
	}
	return result, err
}
