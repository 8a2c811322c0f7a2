package train

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// PeakMemory is the high-water mark of the process's resident memory, in
// bytes; 0 where the system does not tell.
func PeakMemory() int64 { return processStatus("VmHWM") }

// ResidentMemory is the process's resident memory, in bytes; 0 where the system
// does not tell.
func ResidentMemory() int64 { return processStatus("VmRSS") }

// ResetPeakMemory lets PeakMemory count from what is resident now.
func ResetPeakMemory() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// processStatus is a size among the lines of the process's status.
func processStatus(field string) int64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), field+":"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes * 1024
		}
	}
	return 0
}
