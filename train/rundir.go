package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopet-ml/gopet/data"
	"golang.org/x/sys/unix"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/internal/version"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train/events"
)

// The names in a run directory.
const (
	configFile     = "config.json"
	metricsFile    = "metrics.jsonl"
	resultFile     = "result.json"
	adapterDir     = "adapter"     // the adapter of the best step, once the run has finished
	bestDir        = "best"        // the same, kept up to date while it runs
	checkpointsDir = "checkpoints" // step-N/
)

// runConfig is config.json: the settings and what they were applied to.
type runConfig struct {
	Config
	GopetVersion     string `json:"gopet_version"`
	LibtorchVersion  string `json:"libtorch_version"`
	ModelFingerprint string `json:"model_fingerprint"`
	DataFingerprint  string `json:"data_fingerprint"`
}

// checkVacant refuses a directory that has anything in it.
func checkVacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("run directory: %w", err)
	case len(entries) == 0:
		return nil
	}
	for _, entry := range entries {
		if entry.Name() == configFile {
			return fmt.Errorf("%s already holds a run: choose another --out, or go on with it by --resume", dir)
		}
	}
	return fmt.Errorf("%s is not empty: choose another --out", dir)
}

// runDir writes what a run leaves behind.
type runDir struct {
	path    string
	made    bool     // the directory was not there before
	claimed bool     // this run began in it: all that it holds is this run's
	metrics *os.File // locked while the run is at work
	events  *events.Writer
}

// createRun claims the directory and writes its config.json.
func createRun(c runConfig) (*runDir, error) {
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(c.Out)), 0o777); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	err := os.Mkdir(c.Out, 0o777)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	d := &runDir{path: c.Out, made: err == nil, claimed: true}
	// Whoever makes config.json has the directory.
	claim, err := os.OpenFile(d.file(configFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	claim.Close()
	if err = writeJSON(d.file(configFile), c); err == nil {
		err = d.open(progress{})
	}
	if err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// openRun opens the logs of a run that goes on, forgetting what they say of
// the time after at.
func openRun(dir string, at progress) (*runDir, error) {
	d := &runDir{path: dir}
	if err := d.open(at); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *runDir) open(at progress) error {
	var err error
	if d.metrics, err = openMetrics(d.file(metricsFile), at); err != nil {
		return err
	}
	if at.Step > 0 {
		d.events, err = events.Resume(d.path, int64(at.Step))
	} else {
		d.events, err = events.Create(d.path)
	}
	return err
}

func (d *runDir) close() error {
	var err error
	if d.metrics != nil {
		err = d.metrics.Close()
	}
	if d.events != nil {
		err = errors.Join(err, d.events.Close())
	}
	return err
}

// discard removes what this run has made, all there is in a directory that it
// claimed.
func (d *runDir) discard() {
	d.close()
	if !d.claimed {
		return
	}
	if d.made {
		os.RemoveAll(d.path)
		return
	}
	entries, _ := os.ReadDir(d.path)
	for _, entry := range entries {
		os.RemoveAll(d.file(entry.Name()))
	}
}

func (d *runDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *runDir) checkpoint(step int) string {
	return filepath.Join(d.path, checkpointsDir, fmt.Sprintf("step-%d", step))
}

// log appends a line to metrics.jsonl.
func (d *runDir) log(line any) error {
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("%s: %w", metricsFile, err)
	}
	_, err = d.metrics.Write(append(data, '\n'))
	return err
}

// stepLine is a logged step in metrics.jsonl.
type stepLine struct {
	Step             int      `json:"step"`
	Loss             *float64 `json:"loss"` // mean since the last such line; null when none was finite
	LR               float64  `json:"lr"`
	GradNorm         *float64 `json:"grad_norm"` // of this step; null when not finite
	Tokens           int64    `json:"tokens"`    // since the start
	SamplesPerSecond float64  `json:"samples_per_second"`
}

// logStep writes a step to metrics.jsonl and the event file.
func (d *runDir) logStep(line stepLine) error {
	if err := d.log(line); err != nil {
		return err
	}
	scalars := []events.Scalar{{Tag: "train/lr", Value: line.LR}, {Tag: "train/samples_per_second", Value: line.SamplesPerSecond}}
	if line.Loss != nil {
		scalars = append(scalars, events.Scalar{Tag: "train/loss", Value: *line.Loss})
	}
	if line.GradNorm != nil {
		scalars = append(scalars, events.Scalar{Tag: "train/grad_norm", Value: *line.GradNorm})
	}
	return d.events.Write(int64(line.Step), scalars...)
}

// logEvaluation writes scores to metrics.jsonl and the event file.
func (d *runDir) logEvaluation(step int, split string, scores map[string]float64) error {
	line := map[string]any{"step": step, "split": split}
	var scalars []events.Scalar
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		line[name] = scores[name]
		scalars = append(scalars, events.Scalar{Tag: split + "/" + name, Value: scores[name]})
	}
	if err := d.log(line); err != nil {
		return err
	}
	return d.events.Write(int64(step), scalars...)
}

// finite is nil for what JSON has no number for.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// openMetrics opens the log for appending after its lines until at.
func openMetrics(path string, at progress) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: another process is at work on this run: %w", filepath.Dir(path), err)
	}
	keep, err := metricsUntil(file, at)
	if err == nil {
		err = file.Truncate(keep)
	}
	if err == nil {
		_, err = file.Seek(keep, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// metricsUntil is the length of the lines of steps and evaluations that at
// knows of. A line that was cut short ends them, as does the test split, which
// is scored at the very end, after any checkpoint.
func metricsUntil(r io.Reader, at progress) (int64, error) {
	reader := bufio.NewReader(r)
	var keep int64
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return keep, nil
		}
		if err != nil {
			return 0, err
		}
		var line struct {
			Step  int
			Split string
		}
		broken := json.Unmarshal(text, &line) != nil
		unknown := line.Step > at.Step || line.Split == data.Test || (line.Split != "" && line.Step > at.Evaluated)
		if broken || unknown {
			return keep, nil
		}
		keep += int64(len(text))
	}
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// describe is the config.json of a run.
func describe(c Config, modelFingerprint, dataFingerprint string) runConfig {
	// A run is resumed from any folder.
	c.Model, c.Adapter, c.Out = absolute(c.Model), absolute(c.Adapter), absolute(c.Out)
	if !strings.Contains(c.Data, ":") { // a row source of its own knows its words
		c.Data = absolute(c.Data)
	}
	return runConfig{
		Config: c, GopetVersion: version.Version, LibtorchVersion: torch.Version(),
		ModelFingerprint: modelFingerprint, DataFingerprint: dataFingerprint,
	}
}

func absolute(path string) string {
	if path == "" {
		return ""
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return full
}
