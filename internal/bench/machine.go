package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// describeMachine says on what was measured, in one line; dir is where the stores lie.
func describeMachine(dir string) string {
	parts := []string{cpuModel(), fmt.Sprintf("%d cores", runtime.NumCPU())}
	if total := memoryTotal(); total != "" {
		parts = append(parts, total)
	}
	parts = append(parts, runtime.GOOS+"/"+runtime.GOARCH+kernel(), runtime.Version())
	if fs := filesystem(dir); fs != "" {
		parts = append(parts, "stores on "+fs)
	}
	if load := loadAverage(); load != "" {
		parts = append(parts, "load average before the run "+load)
	}
	return strings.Join(parts, ", ")
}

// field returns what stands behind a name and a colon in a file of /proc.
func field(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func cpuModel() string {
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		return model
	}
	return "unknown CPU"
}

func memoryTotal() string {
	var kib float64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%f kB", &kib); err != nil {
		return ""
	}
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}

func kernel() string {
	data, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(data))
}

// loadAverage returns the number of tasks that wanted to run in the last minute: above half of the cores
// other work took part in the measurement.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	load, _, _ := strings.Cut(string(data), " ")
	return load
}

// residentMemory returns the bytes of memory that the process holds once it has given back what it can; 0 where the system does not say.
func residentMemory() float64 {
	debug.FreeOSMemory()
	var kib float64
	if _, err := fmt.Sscanf(field("/proc/self/status", "VmRSS"), "%f kB", &kib); err != nil {
		return 0
	}
	return kib * 1024
}

// filesystem returns the type of the filesystem that holds dir.
func filesystem(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return ""
	}
	kind, longest := "", -1
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		at := strings.TrimSuffix(fields[1], "/")
		if (dir == at || strings.HasPrefix(dir, at+"/")) && len(at) >= longest {
			kind, longest = fields[2], len(at)
		}
	}
	return kind
}
