package keda_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// period is that of the kernel's CPU quotas, microseconds.
const period = 100_000

// limits holds processes to a share of a CPU each, with the kernel's means that Kubernetes uses as well.
type limits struct {
	dir string
	v2  bool
}

// newLimits skips the test where this user may not set such limits.
func newLimits(t *testing.T) *limits {
	t.Helper()
	name := "hal9-e2e-" + strconv.Itoa(os.Getpid())
	for _, l := range []*limits{{"/sys/fs/cgroup/cpu/" + name, false}, {"/sys/fs/cgroup/" + name, true}} {
		if os.Mkdir(l.dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(l.dir) }) // Processes are gone by then.
		if !l.v2 || os.WriteFile(filepath.Join(l.dir, "cgroup.subtree_control"), []byte("+cpu"), 0o644) == nil {
			return l
		}
	}
	t.Skip("needs to limit the CPU of processes, as root or in a delegated cgroup: on a few cores replicas add nothing without")
	return nil
}

// hold limits a process to so many hundredths of a CPU, and sees that it gets them, however busy the machine is.
func (l *limits) hold(t *testing.T, pid, percent int) error {
	dir := filepath.Join(l.dir, strconv.Itoa(pid))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	quota := period * percent / 100
	files := map[string]string{"cpu.cfs_period_us": strconv.Itoa(period), "cpu.cfs_quota_us": strconv.Itoa(quota), "cpu.shares": "20480"}
	if l.v2 {
		files = map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota, period), "cpu.weight": "1000"}
	}
	files["cgroup.procs"] = strconv.Itoa(pid)
	for _, name := range []string{"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.shares", "cpu.max", "cpu.weight", "cgroup.procs"} {
		if value, ok := files[name]; ok {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
