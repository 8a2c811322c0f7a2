package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train/bench"
)

// Calibration is what Calibrate measured.
type Calibration struct {
	Version int       `json:"version"` // of the list of rates
	Machine Machine   `json:"machine"`
	Date    time.Time `json:"date"`
	// Seconds a unit of each kind of work, by dtype.
	Seconds map[string]map[string]float64 `json:"seconds"`
}

// calibrationVersion changes when rates mean something else.
const calibrationVersion = 2

// Machine is what rates depend on.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	Threads  int    `json:"threads"`
	Vector   string `json:"vector_instructions"` // of libtorch's kernels
	Libtorch string `json:"libtorch"`
}

// ThisMachine is the one that the process runs on.
func ThisMachine() Machine {
	return Machine{
		CPU: bench.CPUName(), Cores: runtime.NumCPU(), Threads: torch.NumThreads(),
		Vector: torch.CPUCapability(), Libtorch: torch.Version(),
	}
}

// ErrNotCalibrated is of a machine without rates of its own.
var ErrNotCalibrated = errors.New("this machine is not calibrated (for this dtype and number of threads): gopet plan --calibrate does it")

// CalibrationFile is where a user's calibration lies.
func CalibrationFile() (string, error) {
	cache := os.Getenv("GOPET_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "gopet")
	}
	return filepath.Join(cache, "calibration.json"), nil
}

// ReadCalibration reads a file that Write wrote. Rates of another machine, or of
// another release's kinds of work, are ErrNotCalibrated, and so is no file.
func ReadCalibration(path string) (*Calibration, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotCalibrated
	}
	if err != nil {
		return nil, err
	}
	var c Calibration
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("%s: %w; gopet plan --calibrate writes it anew", path, err)
	}
	if c.Version != calibrationVersion || c.Machine != ThisMachine() {
		return nil, fmt.Errorf("%w; %s is of another machine, number of threads or release", ErrNotCalibrated, path)
	}
	return &c, nil
}

// Write puts the calibration into a file, and makes its folder.
func (c *Calibration) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(c)
	})
}

// rates are those of a dtype, if they were measured.
func (c *Calibration) rates(dtype string) (rates work, ok bool) {
	if c == nil || c.Seconds[dtype] == nil {
		return rates, false
	}
	for i, name := range costNames {
		rates[i] = c.Seconds[dtype][name]
	}
	return rates, true
}

// set puts the rates of a dtype in.
func (c *Calibration) set(dtype string, rates work) {
	named := map[string]float64{}
	for i, name := range costNames {
		named[name] = rates[i]
	}
	c.Seconds[dtype] = named
}
