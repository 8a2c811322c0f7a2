package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
)

// The files of a checkpoint directory.
const (
	progressFile  = "progress.json"
	tunedFile     = "tuned.safetensors"     // what the method and the head have learned
	optimizerFile = "optimizer.safetensors" // moments, master copies and the random state
	rngTensor     = "rng_state"
)

// save makes checkpoints/step-N, whole or not at all.
func (t *trainer) save() error {
	dir := t.dir.checkpoint(t.progress.Step)
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	err := atomicfile.WriteDir(dir, func(dir string) error {
		err := writeJSON(filepath.Join(dir, progressFile), t.progress)
		if err != nil || t.progress.over(t.steps) {
			return err
		}
		if err := t.attached.SaveTensors(filepath.Join(dir, tunedFile)); err != nil {
			return err
		}
		return t.saveOptimizer(filepath.Join(dir, optimizerFile))
	})
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (t *trainer) saveOptimizer(path string) error {
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	list := []pet.NamedTensor{{Name: rngTensor, Tensor: torch.RNGState(s)}}
	for _, p := range t.optimizer.State() {
		list = append(list, pet.NamedTensor{Name: p.Name, Tensor: p.Leaf.In(s)})
	}
	return pet.WriteTensors(path, list)
}

// restore goes back to a checkpoint.
func (t *trainer) restore(dir string) error {
	err := readJSON(filepath.Join(dir, progressFile), &t.progress)
	if err != nil || t.progress.over(t.steps) {
		return err
	}
	if err := t.attached.LoadTensors(filepath.Join(dir, tunedFile)); err != nil {
		return err
	}
	file, err := pet.OpenTensors(filepath.Join(dir, optimizerFile))
	if err != nil {
		return err
	}
	defer file.Close()
	s := torch.NewScope(torch.NoGrad())
	defer s.Close()
	for _, p := range t.optimizer.State() {
		saved, err := file.Read(s, p.Name)
		if err != nil {
			return err
		}
		p.Leaf.CopyFrom(saved)
	}
	state, err := file.Read(s, rngTensor)
	if err != nil {
		return err
	}
	torch.SetRNGState(state)
	return t.optimizer.Resume(t.progress.Updates)
}

// checkUnchanged refuses to go on with another model or other data.
func (t *trainer) checkUnchanged(saved runConfig) error {
	now := t.describe()
	switch {
	case saved.ModelFingerprint != now.ModelFingerprint:
		return fmt.Errorf("%s: %s is no longer the model that the run was started with", saved.Out, saved.Model)
	case saved.DataFingerprint != now.DataFingerprint:
		return fmt.Errorf("%s: %s no longer holds the data that the run was started with", saved.Out, saved.Data)
	}
	return nil
}

// lastCheckpoint is the directory of the checkpoint with the most steps.
func lastCheckpoint(run string) (string, error) {
	dirs, err := filepath.Glob(filepath.Join(run, checkpointsDir, "step-*"))
	if err != nil {
		return "", err
	}
	steps := func(dir string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "step-"))
		if err != nil {
			return -1
		}
		return n
	}
	if len(dirs) == 0 {
		return "", fmt.Errorf("%s: no checkpoint to resume from: remove the directory and start anew, with --save-every to have checkpoints", run)
	}
	return slices.MaxFunc(dirs, func(a, b string) int { return steps(a) - steps(b) }), nil
}
