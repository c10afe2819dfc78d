package keda_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
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
		t.Cleanup(l.remove)
		// All of them together come first, so that each gets its share however busy the machine is.
		for _, file := range [][2]string{{"cpu.shares", "262144"}, {"cpu.weight", "10000"}} {
			_ = os.WriteFile(filepath.Join(l.dir, file[0]), []byte(file[1]), 0o644) // One of them is there.
		}
		if !l.v2 || os.WriteFile(filepath.Join(l.dir, "cgroup.subtree_control"), []byte("+cpu"), 0o644) == nil {
			return l
		}
	}
	t.Skip("needs to limit the CPU of processes, as root or in a delegated cgroup: on a few cores replicas add nothing without")
	return nil
}

// remove takes the groups away; processes are gone by then, and the kernel knows it soon.
func (l *limits) remove() {
	for range 50 {
		groups, _ := filepath.Glob(filepath.Join(l.dir, "[0-9]*"))
		for _, group := range groups {
			_ = os.Remove(group)
		}
		if os.Remove(l.dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// hold limits a process to so many hundredths of a CPU.
func (l *limits) hold(pid, percent int) error {
	dir := filepath.Join(l.dir, strconv.Itoa(pid))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	quota := period * percent / 100
	files := map[string]string{"cpu.cfs_period_us": strconv.Itoa(period), "cpu.cfs_quota_us": strconv.Itoa(quota)}
	if l.v2 {
		files = map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota, period)}
	}
	files["cgroup.procs"] = strconv.Itoa(pid)
	for _, name := range []string{"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.max", "cgroup.procs"} {
		if value, ok := files[name]; ok {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
