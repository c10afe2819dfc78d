package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tree writes files as the kernel shows them.
func tree(t *testing.T, files map[string]string) Reader {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return NewReader(root)
}

func TestMemoryOfControlGroups(t *testing.T) {
	t.Parallel()
	status := "Name:\thal9\nVmRSS:\t   2048 kB\nThreads:\t9\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  Memory
	}{
		{"version 2", map[string]string{
			"proc/self/status": status, "proc/self/cgroup": "0::/kubepods/pod1\n",
			"sys/fs/cgroup/kubepods/pod1/memory.current": "3000\n", "sys/fs/cgroup/kubepods/pod1/memory.max": "4000\n",
			"sys/fs/cgroup/kubepods/pod1/memory.events": "low 0\noom 3\noom_kill 2\n", "sys/fs/cgroup/memory.current": "999\n",
		}, Memory{Resident: 2 << 20, Used: 3000, Limit: 4000, OOMKills: 2}},
		{"inside a container, no bound", map[string]string{
			"proc/self/cgroup": "0::/../../pod1\n", "sys/fs/cgroup/memory.current": "3000\n", "sys/fs/cgroup/memory.max": "max\n",
		}, Memory{Used: 3000}},
		{"version 1", map[string]string{
			"proc/self/cgroup": "9:memory:/x\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "7\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
		}, Memory{Used: 7, OOMKills: 1}},
		{"nothing", nil, Memory{}},
	} {
		got := tree(t, test.files).Memory()
		if got.Heap == 0 {
			t.Errorf("%s: no heap", test.name)
		}
		got.Heap, got.GoLimit = 0, 0
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
}

func TestKillsInTheKernelsLog(t *testing.T) {
	t.Parallel()
	boot := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	log := "6,1,500,-;usb 1-1: new device\n" +
		"3,1907,90000000,-;Memory cgroup out of memory: Killed process 4711 (hal9) total-vm:9kB, anon-rss:8kB\n" +
		"3,1908,120000000,-;Out of memory: Killed process 12 (nats-server) total-vm:9kB\n" +
		"broken;Out of memory: Killed process 12 (x)\n"
	want := []Kill{
		{At: boot.Add(90 * time.Second), PID: 4711, Process: "hal9", Group: true},
		{At: boot.Add(2 * time.Minute), PID: 12, Process: "nats-server"},
	}
	if diff := cmp.Diff(want, kills(log, boot)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	now := boot.Add(time.Hour)
	if got := tree(t, map[string]string{"proc/uptime": "3600.00 7000.1\n"}).boot(now); !got.Equal(boot) {
		t.Errorf("booted at %s, want %s", got, boot)
	}
}
