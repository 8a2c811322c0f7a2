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

	"github.com/gopet-ml/gopet/data"
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
	created bool // by this run, for its first time
	metrics *os.File
	events  *events.Writer
}

// createRun makes the directory and its config.json.
func createRun(c runConfig) (*runDir, error) {
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return nil, fmt.Errorf("run directory: %w", err)
	}
	if err := writeJSON(filepath.Join(c.Out, configFile), c); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.Out))
	}
	d, err := openRun(c.Out, progress{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.Out))
	}
	d.created = true
	return d, nil
}

// openRun opens the logs, forgetting what they say of the time after at.
func openRun(dir string, at progress) (*runDir, error) {
	metrics, err := openMetrics(filepath.Join(dir, metricsFile), at)
	if err != nil {
		return nil, err
	}
	open := events.Create
	if at.Step > 0 {
		open = func(dir string) (*events.Writer, error) { return events.Resume(dir, int64(at.Step)) }
	}
	writer, err := open(dir)
	if err != nil {
		metrics.Close()
		return nil, err
	}
	return &runDir{path: dir, metrics: metrics, events: writer}, nil
}

func (d *runDir) close() error {
	return errors.Join(d.metrics.Close(), d.events.Close())
}

// discard removes a directory that this run created.
func (d *runDir) discard() {
	d.close()
	if d.created {
		os.RemoveAll(d.path)
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
	return runConfig{
		Config: c, GopetVersion: version.Version, LibtorchVersion: torch.Version(),
		ModelFingerprint: modelFingerprint, DataFingerprint: dataFingerprint,
	}
}
