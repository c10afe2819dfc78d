package web

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
)

// Outcome is what a person says of how a situation was dealt with.
type Outcome struct {
	Word string `json:"word"` // helped or useless
	Note string `json:"note,omitempty"`
}

// Errors of Deps.Outcome that are the sender's.
var (
	ErrNoSituation = errors.New("web: no such situation")
	ErrNoWord      = errors.New("web: no word on an outcome")
)

// TakeOutcome hands on what is said of a situation. It returns ErrNoSituation or ErrNoWord where that can't be.
type TakeOutcome func(ctx context.Context, situation string, o Outcome) error

// outcome takes POST /v1/situations/<id>/outcome. It wants JSON and says so: no page of another site can send that unasked.
func (s *Server) outcome(w http.ResponseWriter, r *http.Request) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type %q is not understood here: want application/json", r.Header.Get("Content-Type"))
	}
	body, err := s.readBody(w, r)
	if err != nil {
		return err
	}
	var o Outcome
	if err := json.Unmarshal(body, &o); err != nil {
		return refuse(http.StatusBadRequest, `the body is no outcome: want {"word":"helped","note":"..."} with helped or useless`)
	}
	situation := r.PathValue("id")
	switch err := s.deps.Outcome(r.Context(), situation, o); {
	case errors.Is(err, ErrNoSituation):
		return refuse(http.StatusNotFound, "no situation %q is known", situation)
	case errors.Is(err, ErrNoWord):
		return refuse(http.StatusBadRequest, "word is %q: want helped or useless", o.Word)
	case err != nil:
		s.deps.Log.WarnContext(r.Context(), "An outcome could not be stored.", "situation", situation, "error", err)
		return refuse(http.StatusServiceUnavailable, "the outcome could not be stored: try again")
	}
	writeJSON(w, http.StatusAccepted, struct {
		SituationID string `json:"situation_id"`
		Outcome
	}{situation, o})
	return nil
}
