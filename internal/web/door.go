package web

import (
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// Names under which Deps.Ingested counts.
const (
	doorHTTP         = "http"
	doorAlertmanager = "alertmanager"

	outcomeAccepted  = "accepted"
	outcomeDuplicate = "duplicate"
	outcomeRejected  = "rejected"
)

// reader turns a body into signals; an error means that none is taken.
type reader struct {
	count  count
	decode func(body []byte) ([]ingest.Item, error)
}

// door is one way in for signals.
type door struct {
	name string // for Deps.Ingested
	busy int    // status when there is too much to do
	// prepare refuses what can be refused before the body is read.
	prepare func(*http.Request) (reader, error)
	answer  func(http.ResponseWriter, []Receipt)
}

func (s *Server) doors() map[string]door {
	return map[string]door{
		"/v1/signals": {
			name: doorHTTP, busy: http.StatusTooManyRequests,
			prepare: s.prepareSignals, answer: answerAccepted,
		},
		"/v1/alertmanager": {
			name: doorAlertmanager, busy: http.StatusServiceUnavailable,
			prepare: s.prepareJSON(countAlerts, (*ingest.Decoder).AlertmanagerWebhook), answer: answerAccepted,
		},
		"/api/v2/alerts": {
			name: doorAlertmanager, busy: http.StatusServiceUnavailable,
			prepare: s.prepareJSON(countArray, (*ingest.Decoder).AlertmanagerAlerts), answer: answerEmpty,
		},
	}
}

// enter is the way through a door: room, format, body, signals, store, answer.
func (s *Server) enter(d door) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		leave, ok := s.limiter.enter(r)
		if !ok {
			s.deps.Ingested(d.name, outcomeRejected, 1)
			busy := refuse(d.busy, "too many requests at the same time")
			busy.retryAfter = s.cfg.RetryAfter
			return busy
		}
		defer leave()
		items, err := s.read(w, r, d)
		if err != nil {
			s.deps.Ingested(d.name, outcomeRejected, wrongItems(err))
			return err
		}
		receipts, err := s.submit(r.Context(), d, items)
		if err != nil {
			return err
		}
		d.answer(w, receipts)
		return nil
	}
}

// read turns the request into signals or into a refusal.
func (s *Server) read(w http.ResponseWriter, r *http.Request, d door) ([]ingest.Item, error) {
	reader, err := d.prepare(r)
	if err != nil {
		return nil, err
	}
	body, err := s.readBody(w, r)
	if err != nil {
		return nil, err
	}
	if n := reader.count(body); n > s.cfg.MaxItems {
		return nil, refuse(http.StatusRequestEntityTooLarge, "%d signals are more than the limit of %d in one request",
			n, s.cfg.MaxItems)
	}
	items, err := reader.decode(body)
	if err != nil {
		return nil, unreadable(err)
	}
	addTraceParent(items, r.Header)
	return items, nil
}

// addTraceParent gives the request's W3C traceparent to the items without one of their own.
// An invalid one is ignored, as the standard says.
func addTraceParent(items []ingest.Item, h http.Header) {
	parents := h.Values("Traceparent")
	if len(parents) != 1 || !ingest.ValidTraceParent(parents[0]) {
		return
	}
	for i := range items {
		if items[i].TraceParent == "" {
			items[i].TraceParent = parents[0]
		}
	}
}

// wrongItems says how many items a refused request counts for: at least itself.
func wrongItems(err error) int {
	if r, ok := errors.AsType[*refusalError](err); ok {
		return max(r.wrong, 1)
	}
	return 1
}

func (s *Server) prepareSignals(r *http.Request) (reader, error) {
	format, err := ingest.FormatOf(r.Header.Get("Content-Type"), r.Header)
	if err != nil {
		return reader{}, refuse(http.StatusUnsupportedMediaType, "%s", plainText(err))
	}
	return reader{countOf(format), func(body []byte) ([]ingest.Item, error) {
		return s.deps.Decoder.Body(format, r.Header, body, s.deps.Now())
	}}, nil
}

// alerts decodes what Alertmanager or Prometheus sends.
type alerts func(*ingest.Decoder, []byte, time.Time) ([]ingest.Item, error)

// prepareJSON takes application/json and, as these senders always mean it, no type at all.
func (s *Server) prepareJSON(count count, alerts alerts) func(*http.Request) (reader, error) {
	return func(r *http.Request) (reader, error) {
		header := r.Header.Get("Content-Type")
		if media, _, err := mime.ParseMediaType(header); header != "" && (err != nil || media != "application/json") {
			return reader{}, refuse(http.StatusUnsupportedMediaType, "Content-Type %q is not understood here: want application/json", header)
		}
		return reader{count, func(body []byte) ([]ingest.Item, error) {
			return alerts(s.deps.Decoder, body, s.deps.Now())
		}}, nil
	}
}

func answerAccepted(w http.ResponseWriter, receipts []Receipt) {
	writeJSON(w, http.StatusAccepted, acceptedBody{Accepted: newAccepted(receipts), Count: len(receipts)})
}

// answerEmpty answers as Alertmanager does.
func answerEmpty(w http.ResponseWriter, _ []Receipt) { w.WriteHeader(http.StatusOK) }
