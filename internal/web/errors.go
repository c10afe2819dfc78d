package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/2lab-ai/hal9/internal/journal"
)

// errorsBody is what /v1/errors answers.
type errorsBody struct {
	Errors []journal.Entry `json:"errors"` // warnings and errors, the newest first
}

func (s *Server) errors(w http.ResponseWriter, _ *http.Request) error {
	body := errorsBody{Errors: s.deps.Journal.Entries()}
	if body.Errors == nil {
		body.Errors = []journal.Entry{}
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// rollBody is what a process says of itself when all are asked: what /v1/status and /v1/errors answer.
type rollBody struct {
	Status statusBody      `json:"status"`
	Errors []journal.Entry `json:"errors,omitempty"`
}

// rolled bounds how many errors are told when all processes are asked: each answer is one message.
const rolled = 30

// Roll returns what this process says of itself, JSON.
func (s *Server) Roll(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CheckTimeout)
	defer cancel()
	body := rollBody{Status: s.statusBody(s.deps.Status(ctx), s.readiness(ctx))}
	if s.deps.Journal != nil {
		entries := s.deps.Journal.Entries()
		body.Errors = entries[:min(len(entries), rolled)]
	}
	return json.Marshal(body)
}
