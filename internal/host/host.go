// Package host reads what the machine and the control group of a process say about memory, kills for want of it, and
// disks. What can't be read is left out: containers show little, and not every system is Linux.
package host

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Reader reads below a root, which is that of the machine but in tests.
type Reader struct{ root string }

// NewReader returns a reader; the machine's own root is "/".
func NewReader(root string) Reader { return Reader{root} }

// Memory is how much of it a process has, bytes; 0 stands for unknown, and for no bound.
type Memory struct {
	Resident uint64 `json:"resident_bytes,omitempty"` // of this process
	Heap     uint64 `json:"go_heap_bytes,omitempty"`  // of Go's objects
	GoLimit  uint64 `json:"go_limit_bytes,omitempty"` // GOMEMLIMIT
	Used     uint64 `json:"cgroup_bytes,omitempty"`   // of the control group, with what the kernel could take back
	Limit    uint64 `json:"cgroup_max_bytes,omitempty"`
	OOMKills uint64 `json:"cgroup_oom_kills,omitempty"` // in the control group since it was made
}

// Memory returns that of the calling process.
func (r Reader) Memory() Memory {
	m := Memory{Resident: r.resident()}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.Heap = stats.HeapAlloc
	if limit := debug.SetMemoryLimit(-1); limit > 0 && limit < 1<<62 { // -1 asks and sets nothing.
		m.GoLimit = uint64(limit)
	}
	r.cgroup(&m)
	return m
}

// resident returns VmRSS.
func (r Reader) resident() uint64 {
	for line := range strings.Lines(r.read("proc/self/status")) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cgroup reads the control group, version 2 or 1.
func (r Reader) cgroup(m *Memory) {
	own := ""
	for line := range strings.Lines(r.read("proc/self/cgroup")) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			own = rest
		}
	}
	// In a container the group's own path may not be visible: what is mounted then is the group itself.
	for _, dir := range []string{filepath.Join("sys/fs/cgroup", own), "sys/fs/cgroup"} {
		if used := r.number(dir + "/memory.current"); used > 0 {
			m.Used, m.Limit = used, r.number(dir+"/memory.max")
			m.OOMKills = field(r.read(dir+"/memory.events"), "oom_kill")
			return
		}
	}
	const first = "sys/fs/cgroup/memory"
	m.Used = r.number(first + "/memory.usage_in_bytes")
	if m.Limit = r.number(first + "/memory.limit_in_bytes"); m.Limit >= 1<<62 { // how version 1 says "none"
		m.Limit = 0
	}
	m.OOMKills = field(r.read(first+"/memory.oom_control"), "oom_kill")
}

// number returns what a file holds, 0 where it is none, such as "max".
func (r Reader) number(name string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimSpace(r.read(name)), 10, 64)
	return n
}

// field returns the number behind a name in lines of "name number".
func field(text, name string) uint64 {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if key == name {
			n, _ := strconv.ParseUint(value, 10, 64)
			return n
		}
	}
	return 0
}

func (r Reader) read(name string) string {
	data, err := os.ReadFile(filepath.Join(r.root, name))
	if err != nil {
		return ""
	}
	return string(data)
}
