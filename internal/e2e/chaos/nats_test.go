package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// serverRole tells a NATS process what to be; it travels as JSON in roleVariable.
type serverRole struct {
	Ready   string // file to write once it serves
	Dir     string
	Host    string
	Port    int
	Cluster *clusterRole `json:",omitempty"` // nil for a server alone
}

// serveNATS is what this test program does as a NATS process: it serves until SIGTERM, or until the
// process that started it is gone.
func serveNATS(description string) error {
	var role serverRole
	if err := json.Unmarshal([]byte(description), &role); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	stop, err := role.start()
	if err != nil {
		return err
	}
	defer stop()
	if err := os.WriteFile(role.Ready+".part", []byte("{}"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(role.Ready+".part", role.Ready); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// start runs the server that hal9 up embeds, or a member of a cluster.
func (r serverRole) start() (stop func(), err error) {
	if r.Cluster != nil {
		return r.startMember()
	}
	cfg := natsserver.DefaultConfig()
	cfg.Host, cfg.Port, cfg.DataDir, cfg.MaxStore = r.Host, r.Port, r.Dir, storeBytes+storeBytes/2
	s, err := natsserver.Start(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return nil, err
	}
	return s.Stop, nil
}

// storeBytes is large enough that the layers trim nothing: what lies in the streams is evidence.
const storeBytes = 48 << 30

// natsServer is a NATS process that can be killed and started again on its folder and port.
type natsServer struct {
	name    string
	role    serverRole
	logPath string
	prefix  []string // command that starts the process, such as "ip netns exec x"

	mu   sync.Mutex
	proc *proctest.Process
}

// newServer returns a server on 127.0.0.1 that does not run yet.
func newServer(t *testing.T, dir string) *natsServer {
	t.Helper()
	s := &natsServer{
		name: "nats", logPath: filepath.Join(dir, "nats.log"),
		role: serverRole{
			Ready: filepath.Join(dir, "nats.ready"), Dir: filepath.Join(dir, "nats"), Host: "127.0.0.1", Port: freePorts(t, 1)[0],
		},
	}
	t.Cleanup(s.kill)
	return s
}

// freePorts returns free ports of 127.0.0.1 below those that clients get, so that they stay free while
// a server is away.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range 1000 {
		port := 12_000 + rand.IntN(20_000)
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer listener.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatalf("no %d free ports", n)
	return nil
}

func (s *natsServer) url() string {
	return "nats://" + net.JoinHostPort(s.role.Host, strconv.Itoa(s.role.Port))
}

// start runs the server and waits until it serves. It runs on when ctx ends, until it is killed.
func (s *natsServer) start(ctx context.Context) error {
	if err := s.launch(ctx); err != nil {
		return err
	}
	return s.await()
}

func (s *natsServer) launch(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	description, err := json.Marshal(s.role)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // The process has it by then.
	_ = os.Remove(s.role.Ready)
	command := append(append([]string{}, s.prefix...), self)
	proc, err := proctest.Start(context.WithoutCancel(ctx), proctest.Program{
		Path: command[0], Args: command[1:], Env: []string{roleVariable + "=" + string(description)}, Log: log,
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc = proc
	return nil
}

func (s *natsServer) await() error {
	var ready struct{}
	if err := s.process().AwaitFile(s.role.Ready, 90*time.Second, &ready); err != nil {
		return fmt.Errorf("%s: %w (%s)", s.name, err, s.logPath)
	}
	return nil
}

func (s *natsServer) process() *proctest.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// kill ends the server with SIGKILL.
func (s *natsServer) kill() {
	if proc := s.process(); proc != nil {
		proc.Kill()
	}
}
