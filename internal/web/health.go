package web

import (
	"context"
	"net/http"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"` // short and stable, such as "nats" or "L3"
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // why not, and what to do; may be empty where OK
}

// checksBody is the answer of /healthz and /readyz.
type checksBody struct {
	Status string  `json:"status"` // "ok" or "failing"
	Checks []Check `json:"checks"`
}

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.CheckTimeout)
	defer cancel()
	writeChecks(w, s.deps.Live(ctx))
	return nil
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.CheckTimeout)
	defer cancel()
	writeChecks(w, s.readiness(ctx))
	return nil
}

// readiness is what Deps.Ready says, and whether the server itself is still there to stay.
func (s *Server) readiness(ctx context.Context) []Check {
	checks := s.deps.Ready(ctx)
	if s.draining.Load() {
		checks = append(checks, Check{Name: "http", Detail: "the process is stopping"})
	}
	if ctx.Err() != nil {
		checks = append(checks, Check{Name: "time", Detail: "the checks took longer than " + s.cfg.CheckTimeout.String()})
	}
	return checks
}

// passed says whether there are checks and all are well: nothing looked at is no success.
func passed(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return len(checks) > 0
}

func writeChecks(w http.ResponseWriter, checks []Check) {
	if checks == nil {
		checks = []Check{}
	}
	if passed(checks) {
		writeJSON(w, http.StatusOK, checksBody{Status: "ok", Checks: checks})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, checksBody{Status: "failing", Checks: checks})
}
