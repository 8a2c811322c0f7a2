package train

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestTwoRunsCannotShareADirectory(t *testing.T) {
	c := testConfig(t)
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = Run(t.Context(), c, nil) })
	}
	group.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("two runs in one directory: %v, %v; want one to be refused", errs[0], errs[1])
	}
	if r, err := ReadResult(c.Out); err != nil || r.Status != StatusFinished {
		t.Errorf("the run that had the directory: %+v, %v", r, err)
	}
}

func TestARunAtWorkCannotBeResumed(t *testing.T) {
	c := testConfig(t)
	c.SaveEvery = 1
	var err error
	mustRun(t, c, hooks{stepped: func(s Step) {
		if s.Step == 3 {
			_, err = Resume(t.Context(), c.Out, nil)
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("resuming %s while it is at work: %v", filepath.Base(c.Out), err)
	}
}
