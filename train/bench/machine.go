package bench

import (
	"os"
	"slices"
	"strings"
)

// CPUName is the processor's, as the system tells it.
func CPUName() string {
	if name := cpuInfo("model name"); name != "" {
		return name
	}
	return "unknown"
}

// productInstructions are those of the processor that products of matrices may
// use, by the names of Linux.
func productInstructions() []string {
	flags := strings.Fields(cpuInfo("flags"))
	list := []string{}
	for _, name := range []string{"avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16"} {
		if slices.Contains(flags, name) {
			list = append(list, name)
		}
	}
	return list
}

// cpuInfo is what the system tells of the first processor; "" where it does not.
func cpuInfo(field string) string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		name, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
