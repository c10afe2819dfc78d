package natsserver

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logRelay hands the server's own log lines to slog. It keeps the last complaint, which says why
// a start failed, and while the server starts what it says of a damaged store.
type logRelay struct {
	log *slog.Logger

	mu       sync.Mutex
	lastLine string
	started  bool
	damage   string // the first complaint about the store
}

// recoveryIndent starts the lines in which the server tells how it recovers streams and consumers. A
// warning among them means that it goes on without one.
const recoveryIndent = "  "

// recovered returns what the server said of a damaged store, and listens no longer.
func (r *logRelay) recovered() (damage string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
	return strings.TrimSpace(r.damage)
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
	if !r.started && r.damage == "" && strings.HasPrefix(line, recoveryIndent) {
		r.damage = line
	}
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
