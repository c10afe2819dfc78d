package oncall

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// maxBody bounds a request, bytes.
const maxBody = 64 << 10

// Handler serves /api/silences, /api/acks, /api/alerts and /api/suppressed. What it answers is JSON; an error has "error".
func (d *Desk) Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	a := &api{desk: d, log: log}
	mux.HandleFunc("GET /api/silences", a.silences)
	mux.HandleFunc("POST /api/silences", a.silence)
	mux.HandleFunc("DELETE /api/silences/{id}", a.lift)
	mux.HandleFunc("GET /api/acks", a.acks)
	mux.HandleFunc("POST /api/acks", a.ack)
	mux.HandleFunc("DELETE /api/acks/{id}", a.unack)
	mux.HandleFunc("GET /api/alerts", a.alerts)
	mux.HandleFunc("GET /api/suppressed", a.suppressed)
	return mux
}

type api struct {
	desk *Desk
	log  *slog.Logger
}

// silenceBody is what POST /api/silences takes.
type silenceBody struct {
	When        string          `json:"when"`
	Reason      string          `json:"reason"`
	Author      string          `json:"author"`
	For         string          `json:"for"` // such as "2h30m"
	Until       time.Time       `json:"until"`
	MaxSeverity layers.Severity `json:"max_severity"`
}

func (a *api) silence(w http.ResponseWriter, r *http.Request) {
	var body silenceBody
	if err := read(w, r, &body); err != nil {
		a.answer(w, r, nil, err)
		return
	}
	request := Request{When: body.When, Reason: body.Reason, Author: body.Author, Until: body.Until, Severity: body.MaxSeverity}
	if body.For != "" {
		var err error
		if request.For, err = time.ParseDuration(body.For); err != nil || request.For <= 0 {
			a.answer(w, r, nil, wrong("for %q: want a duration such as 30m or 2h30m", body.For))
			return
		}
	}
	s, err := a.desk.Silence(r.Context(), &request)
	a.created(w, r, s, err)
}

func (a *api) silences(w http.ResponseWriter, r *http.Request) {
	list, err := a.desk.Silences(r.Context())
	a.answer(w, r, map[string][]Silence{"silences": orEmpty(list)}, err)
}

func (a *api) lift(w http.ResponseWriter, r *http.Request) {
	s, err := a.desk.Lift(r.Context(), r.PathValue("id"))
	a.answer(w, r, s, err)
}

// ackBody is what POST /api/acks takes.
type ackBody struct {
	ID     string `json:"id"` // of a signal
	Source string `json:"source"`
	Key    string `json:"key"`
	Author string `json:"author"`
	Reason string `json:"reason"`
}

func (a *api) ack(w http.ResponseWriter, r *http.Request) {
	var body ackBody
	if err := read(w, r, &body); err != nil {
		a.answer(w, r, nil, err)
		return
	}
	list, err := a.desk.Ack(r.Context(), &AckRequest{SignalID: body.ID, Source: body.Source, Key: body.Key, Author: body.Author, Reason: body.Reason})
	a.created(w, r, map[string][]Ack{"acks": orEmpty(list)}, err)
}

func (a *api) acks(w http.ResponseWriter, r *http.Request) {
	list, err := a.desk.Acks(r.Context())
	a.answer(w, r, map[string][]Ack{"acks": orEmpty(list)}, err)
}

func (a *api) unack(w http.ResponseWriter, r *http.Request) {
	ack, err := a.desk.Unack(r.Context(), r.PathValue("id"))
	a.answer(w, r, ack, err)
}

func (a *api) alerts(w http.ResponseWriter, r *http.Request) {
	list, err := a.desk.Alerts(r.Context())
	a.answer(w, r, map[string]any{"alerts": orEmpty(list)}, err)
}

func (a *api) suppressed(w http.ResponseWriter, r *http.Request) {
	counts, err := a.desk.Suppressed(r.Context())
	a.answer(w, r, map[string]any{"suppressed": counts}, err)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// read reads one JSON object, in which nothing is unknown.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return wrong("the body is no JSON object of this kind: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return wrong("the body goes on behind its object")
	}
	return nil
}

func (a *api) created(w http.ResponseWriter, r *http.Request, value any, err error) {
	if err != nil {
		a.answer(w, r, nil, err)
		return
	}
	a.write(w, r, http.StatusCreated, value)
}

// answer sends a value, or why there is none.
func (a *api) answer(w http.ResponseWriter, r *http.Request, value any, err error) {
	if err == nil {
		a.write(w, r, http.StatusOK, value)
		return
	}
	status := http.StatusServiceUnavailable
	if _, ok := errors.AsType[*NotFoundError](err); ok {
		status = http.StatusNotFound
	} else if IsWrong(err) {
		status = http.StatusBadRequest
	}
	a.write(w, r, status, map[string]string{"error": err.Error()})
}

func (a *api) write(w http.ResponseWriter, r *http.Request, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		a.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}
