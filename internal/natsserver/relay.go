package natsserver

import (
	"fmt"
	"log/slog"
	"sync"
)

// logRelay hands the server's own log lines to slog and keeps the last complaint, which
// says why a start failed.
type logRelay struct {
	log *slog.Logger

	mu       sync.Mutex
	lastLine string
}

func (r *logRelay) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastLine
}

func (r *logRelay) keep(format string, args []any) string {
	line := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastLine = line
	return line
}

// Noticef implements server.Logger.
func (r *logRelay) Noticef(format string, args ...any) {
	r.log.Debug("nats server", "line", fmt.Sprintf(format, args...))
}

// Warnf implements server.Logger.
func (r *logRelay) Warnf(format string, args ...any) {
	r.log.Warn("nats server", "line", r.keep(format, args))
}

// Errorf implements server.Logger.
func (r *logRelay) Errorf(format string, args ...any) {
	r.log.Error("nats server", "line", r.keep(format, args))
}

// Fatalf implements server.Logger. The server calls it where it cannot go on; it does not
// end the process here: Start notices that the server is not ready.
func (r *logRelay) Fatalf(format string, args ...any) {
	r.log.Error("nats server", "line", r.keep(format, args))
}

// Debugf implements server.Logger.
func (r *logRelay) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (r *logRelay) Tracef(string, ...any) {}
