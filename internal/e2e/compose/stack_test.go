package compose_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stack is a running docker-compose.yml.
type stack struct {
	project string
	root    string
	env     []string
	ports   map[string]int // by the variable that sets it
}

// portVariables are the ports that docker-compose.yml publishes.
var portVariables = []string{"HAL9_PORT", "HAL9_NATS_PORT", "HAL9_PROMETHEUS_PORT", "HAL9_JAEGER_PORT", "HAL9_GRAFANA_PORT"}

// need skips the test where it was not asked for.
func need(t *testing.T) {
	t.Helper()
	if os.Getenv("COMPOSE_E2E") == "" {
		t.Skip("it needs Docker with Compose: make e2e-compose")
	}
}

// newStack chooses free ports and a project name of its own, and takes everything down when the test ends.
func newStack(t *testing.T) *stack {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{project: "hal9-e2e-" + strconv.Itoa(os.Getpid()), root: root, ports: map[string]int{}, env: os.Environ()}
	for _, name := range portVariables {
		s.ports[name] = freePort(t)
		s.env = append(s.env, fmt.Sprintf("%s=%d", name, s.ports[name]))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.try(context.WithoutCancel(t.Context()), "--profile", "observability", "logs", "--no-color", "--tail", "40"))
		}
		s.try(context.WithoutCancel(t.Context()), "--profile", "observability", "down", "-v", "--remove-orphans", "--timeout", "30")
	})
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *stack) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--project-name", s.project}, args...)...)
	cmd.Dir, cmd.Env = s.root, s.env
	return cmd
}

// try runs docker compose and returns all that it says, whatever becomes of it.
func (s *stack) try(ctx context.Context, args ...string) string {
	out, err := s.command(ctx, args...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s\n%v", out, err)
	}
	return string(out)
}

// run runs docker compose and returns its standard output.
func (s *stack) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := s.command(t.Context(), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker compose %s: %v\n%s\n%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	if took := time.Since(began).Round(100 * time.Millisecond); args[0] != "--profile" {
		t.Logf("docker compose %s: %s", strings.Join(args, " "), took)
	}
	return string(out)
}

// removeImage makes `up` build the image, as it does the first time.
func removeImage(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "image", "rm", "hal9:local").CombinedOutput()
	if err != nil && !strings.Contains(string(out), "No such image") {
		t.Fatalf("take down what uses it, or say COMPOSE_BUILD=no: docker image rm hal9:local: %v\n%s", err, out)
	}
}

// up brings services up and waits until all that runs is healthy. It does not use --wait, which gives up at the first check that fails:
// the layers are not ready for a moment while NATS is away.
func (s *stack) up(t *testing.T, args ...string) {
	t.Helper()
	s.run(t, append([]string{"up", "--detach"}, args...)...)
	until(t, 5*time.Minute, func() error {
		for _, c := range s.containers(t) {
			if c.State != "running" && c.Service != provision || c.State == "running" && c.Health != "healthy" {
				return fmt.Errorf("%s is %s %s", c.Service, c.State, c.Health)
			}
		}
		return nil
	})
}

// provision is the service that ends.
const provision = "provision"

// container is what `docker compose ps` says of one.
type container struct {
	ID, Service, State, Health string
	ExitCode                   int
}

func (s *stack) containers(t *testing.T, args ...string) []container {
	t.Helper()
	var list []container
	for line := range strings.Lines(s.run(t, append([]string{"--profile", "observability", "ps", "--all", "--format", "json"}, args...)...)) {
		var c container
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("ps: %v\n%s", err, line)
		}
		list = append(list, c)
	}
	return list
}

// kill ends the first container of a service without a word and returns its id.
func (s *stack) kill(t *testing.T, service string) string {
	t.Helper()
	for _, c := range s.containers(t, service) {
		if c.State != "running" {
			continue
		}
		if out, err := exec.CommandContext(t.Context(), "docker", "kill", "--signal", "KILL", c.ID).CombinedOutput(); err != nil {
			t.Fatalf("docker kill: %v\n%s", err, out)
		}
		return c.ID
	}
	t.Fatalf("no container of %s runs", service)
	return ""
}

func (s *stack) http(variable, path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", s.ports[variable], path)
}

func (s *stack) nats() string { return fmt.Sprintf("nats://127.0.0.1:%d", s.ports["HAL9_NATS_PORT"]) }

// get returns the body of an answer 200.
func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, res.Status, body)
	}
	return string(body), err
}

// getJSON reads an answer 200 into v.
func getJSON(ctx context.Context, url string, v any) error {
	body, err := get(ctx, url)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), v)
}

// until asks again and again until nothing is wrong.
func until(t *testing.T, within time.Duration, wrong func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := wrong()
		if err == nil {
			return
		}
		if time.Since(began) > within {
			t.Fatalf("after %s: %v", within, err)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}
