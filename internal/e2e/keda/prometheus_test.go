package keda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

// startPrometheus runs the prometheus of this machine, which scrapes every process of the stand, and returns its address.
func (s *stand) startPrometheus() (url string) {
	s.t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		s.t.Skip("needs prometheus on PATH (on Debian: apt-get install prometheus)")
	}
	s.mu.Lock()
	s.scraped = filepath.Join(s.dir, "targets.json")
	s.writeTargets()
	s.mu.Unlock()
	file := filepath.Join(s.dir, "prometheus.yml")
	config := "scrape_configs:\n  - job_name: hal9\n    scrape_interval: 2s\n    file_sd_configs: [{files: [targets.json], refresh_interval: 2s}]\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	address := freePort(s.t)
	p, err := proctest.Start(context.WithoutCancel(s.t.Context()), proctest.Program{Path: program, Dir: s.dir, Log: s.log, Args: []string{
		"--config.file", file, "--storage.tsdb.path", filepath.Join(s.dir, "prometheus"), "--web.listen-address", address,
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Kill)
	return "http://" + address
}

// writeTargets says what is to be scraped, the processes that are gone among them. It is called with mu held.
func (s *stand) writeTargets() {
	data, err := json.Marshal([]any{map[string]any{"targets": append([]string{}, s.pages...)}})
	if err == nil {
		err = os.WriteFile(s.scraped+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(s.scraped+".new", s.scraped) // Prometheus never reads half of it.
	}
	if err != nil {
		s.t.Error(err)
	}
}

// freePort returns an address of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(fmt.Errorf("a free port: %w", err))
	}
	defer l.Close()
	return l.Addr().String()
}
