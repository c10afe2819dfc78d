// Package natstest starts real NATS servers for tests. A server ends with its test.
package natstest

import (
	"log/slog"
	"testing"

	"github.com/2lab-ai/hal9/internal/natsserver"
)

// Server is a NATS server of one test; it can be stopped and started again on the same
// data and port.
type Server struct {
	*natsserver.Server
	cfg natsserver.Config
}

// Start starts a server with JetStream on a free port of 127.0.0.1 and a data folder of its own.
func Start(tb testing.TB) *Server {
	tb.Helper()
	cfg := natsserver.DefaultConfig()
	cfg.Port = 0
	cfg.DataDir = tb.TempDir()
	s := &Server{cfg: cfg}
	s.Restart(tb)
	tb.Cleanup(func() { s.Stop() })
	return s
}

// Restart starts the server again after Stop, on the same data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	ns, err := natsserver.Start(s.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatalf("natstest: %v", err)
	}
	s.Server = ns
	s.cfg.Port = ns.Port()
}

// ClientURL returns the address for clients.
func (s *Server) ClientURL() string { return s.URL() }
