// Package natsserver runs a NATS server with JetStream inside the process: what
// `hal9 up` serves, and what the tests talk to. It promises that a data folder is
// used by one process at a time and that Stop returns only when everything is on
// disk and every goroutine of the server has ended.
package natsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Config says where the server listens and stores.
type Config struct {
	Host         string        // address to listen on; default 127.0.0.1
	Port         int           // client port; default 4222, 0 for any free one
	DataDir      string        // folder of the streams; required
	MaxStore     int64         // bound of all streams together, bytes; default 16 GiB
	MaxMemory    int64         // bound of memory-backed buckets, bytes; default 64 MiB
	MaxPayload   int32         // bound of one message, bytes; default 2 MiB
	SyncInterval time.Duration // how often stored messages are flushed to the disk; default 10 s
	SyncAlways   bool          // flush after every message: survives power loss; default false
	Monitoring   bool          // serves NATS's own monitoring on a free port, of a cluster each node; default false
	StartTimeout time.Duration // how long Start waits while the server reads its store; default 10 min
}

// DefaultConfig returns the defaults; DataDir stays empty.
func DefaultConfig() Config {
	return Config{
		Host:         "127.0.0.1",
		Port:         4222,
		MaxStore:     16 << 30,
		MaxMemory:    64 << 20,
		MaxPayload:   2 << 20,
		SyncInterval: 10 * time.Second,
		StartTimeout: 10 * time.Minute,
	}
}

// Validate reports every impossible value.
func (c Config) Validate() error {
	var problems []error
	if c.DataDir == "" {
		problems = append(problems, errors.New("natsserver: no data folder: set --data to a folder that may be written"))
	}
	if c.Port < 0 || c.Port > 65535 {
		problems = append(problems, fmt.Errorf("natsserver: port %d: want 0 (any free one) to 65535", c.Port))
	}
	if c.MaxStore <= 0 || c.MaxMemory <= 0 || c.MaxPayload <= 0 {
		problems = append(problems, errors.New("natsserver: store, memory and payload bounds must be above 0"))
	}
	return errors.Join(problems...)
}

// Server is a running NATS server.
type Server struct {
	nats *server.Server
	lock *flock.Flock
	dir  string
	log  *slog.Logger

	stop     sync.Once
	stopping chan struct{} // closed by Stop
	marked   chan struct{} // closed when the last marks are written
}

// Monitoring returns host:port of the server's monitoring, "" where it has none.
func (s *Server) Monitoring() string {
	if address := s.nats.MonitorAddr(); address != nil {
		return address.String()
	}
	return ""
}

// Start checks folder and port, starts the server and waits until it serves JetStream.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	lock, err := lockFolder(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	s, err := startLocked(cfg, log)
	if err != nil {
		_ = lock.Unlock()
		return nil, err
	}
	s.lock = lock
	go s.keepMarks()
	return s, nil
}

func startLocked(cfg Config, log *slog.Logger) (*Server, error) {
	if err := probePort(cfg.Host, cfg.Port); err != nil {
		return nil, err
	}
	if err := sweep(cfg.DataDir); err != nil {
		return nil, err
	}
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	options := &server.Options{
		ServerName: "hal9", Host: cfg.Host, Port: port, NoSigs: true,
		JetStream: true, StoreDir: cfg.DataDir, JetStreamMaxMemory: cfg.MaxMemory, JetStreamMaxStore: cfg.MaxStore,
		MaxPayload: cfg.MaxPayload, PingInterval: 20 * time.Second,
		SyncInterval: cfg.SyncInterval, SyncAlways: cfg.SyncAlways,
	}
	if cfg.Monitoring {
		options.HTTPHost, options.HTTPPort = cfg.Host, server.RANDOM_PORT
	}
	ns, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("natsserver: %w", err)
	}
	relay := &logRelay{log: log}
	ns.SetLoggerV2(relay, false, false, false)
	started := make(chan struct{})
	go func() {
		defer close(started)
		ns.Start()
	}()
	s := &Server{nats: ns, dir: cfg.DataDir, log: log, stopping: make(chan struct{}), marked: make(chan struct{})}
	if !s.ready(started, cfg.StartTimeout) {
		s.shutdown()
		<-started
		return nil, startError(cfg.DataDir, relay.last())
	}
	<-started
	if err := s.checkStore(relay.recovered()); err != nil {
		s.shutdown()
		return nil, err
	}
	return s, nil
}

// ready waits until the server serves. Its own start returns once the streams are recovered, which
// takes a while for a large store after a crash, or at once where it gave up.
func (s *Server) ready(started <-chan struct{}, bound time.Duration) bool {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	notice := time.AfterFunc(5*time.Second, func() { s.log.Info("still reading the store", "folder", s.dir) })
	defer notice.Stop()
	select {
	case <-started:
		return s.nats.JetStreamEnabled() && s.nats.ReadyForConnections(time.Second)
	case <-timer.C:
		return false
	}
}

// advice is what to do about a damaged store.
const advice = "restore it from a backup, or move it away and start with an empty one"

// checkStore refuses a store of which the server could not read a part. It would go on without that
// part, and what was acknowledged to its publishers would be gone without a word.
func (s *Server) checkStore(damage string) error {
	if damage != "" {
		return fmt.Errorf("natsserver: data folder %s is damaged: %s: %s", s.dir, damage, advice)
	}
	now, err := s.present()
	if err != nil {
		return fmt.Errorf("natsserver: data folder %s is damaged: %w: %s", s.dir, err, advice)
	}
	return now.checkMarks(s.dir)
}

func startError(dir, reason string) error {
	if reason == "" {
		reason = "it was not ready in time"
	}
	return fmt.Errorf("natsserver: the server did not start on %s: %s", dir, strings.TrimSpace(reason))
}

// lockFolder creates the folder, proves that it can be written and takes its lock.
func lockFolder(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("natsserver: data folder %s can't be made: %w: choose another with --data", dir, pathReason(err))
	}
	lock := flock.New(filepath.Join(dir, "hal9.lock"))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("natsserver: data folder %s can't be written: %w: choose another with --data", dir, pathReason(err))
	}
	if !held {
		return nil, fmt.Errorf("natsserver: data folder %s is in use by another hal9: stop it or choose another folder with --data", dir)
	}
	return lock, nil
}

func pathReason(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// probePort finds out in a clear way whether the port is free: the server itself would
// only log it.
func probePort(host string, port int) error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("natsserver: can't listen on %s port %d: %w: choose another port with --nats-port (0 for any free one)", host, port, listenReason(err))
	}
	return listener.Close()
}

func listenReason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// URL returns the address for clients, nats://host:port.
func (s *Server) URL() string { return s.nats.ClientURL() }

// Port returns the client port.
func (s *Server) Port() int {
	if addr, ok := s.nats.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// InProcess returns the option with which a client in this process connects without a socket.
func (s *Server) InProcess() nats.Option { return nats.InProcessServer(s.nats) }

// Stop ends the server: clients are told, streams and consumers are flushed and closed. It may be
// called again.
func (s *Server) Stop() {
	s.stop.Do(func() {
		close(s.stopping)
		<-s.marked
		s.lastMarks()
		s.shutdown()
		_ = s.lock.Unlock()
	})
}

func (s *Server) shutdown() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}
