// Package web is HAL9's HTTP side: the doors for signals, the answers to probes and
// scrapers, and the index page. It imports no broker and no layer implementation; what it
// shows and where signals go comes in through Deps.
//
// # Doors
//
// POST /v1/signals takes one JSON object, a JSON array, NDJSON, text lines and CloudEvents
// in structured, batched and binary mode. POST /v1/alertmanager takes Alertmanager's webhook
// (version 4), POST /api/v2/alerts what a Prometheus server sends to an Alertmanager. Bodies
// may be gzipped. A request is taken as a whole or not at all: where one item is wrong, 400
// names the field of each wrong item and nothing is stored.
//
// A success (202; 200 on /api/v2/alerts, as Alertmanager answers) is sent only after every
// signal is stored, with the ids in the order of the items.
//
// # Retrying
//
// 503 means that not all signals could be stored, 429 that HAL9 has too much to do; both
// carry Retry-After. Where the body was read, the answer holds the receipts of the signals
// that are stored all the same ("accepted") and the ids of all items in their order ("ids"),
// among them the ids that HAL9 filled in: the whole request can be sent again with these
// ids, and what was stored is then counted as a duplicate and decided once. On the two
// Alertmanager paths 503 takes the place of 429, because Alertmanager's webhook sends again
// after 5xx only.
//
// # Browsers
//
// No GET changes anything. A POST that a browser sends for another site's page is refused
// (403), and so is, while listening on a loopback address, a request for a host name that is
// not this machine's (421): otherwise any page could send signals by a name that it
// points at 127.0.0.1.
package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/journal"
)

// Deps is what the server works with. All fields but Intake are required.
type Deps struct {
	// Intake stores signals. Where it is nil the process takes none: the doors answer 404.
	Intake  Intake
	Decoder *ingest.Decoder
	Metrics http.Handler // GET /metrics

	// Live says whether the process works at all, Ready whether it can do its job now:
	// broker connected and provisioned, every layer of this process consuming. Both name
	// all they looked at and must return soon after their context ends.
	Live  func(context.Context) []Check
	Ready func(context.Context) []Check
	// Status is what the index page and /v1/status show.
	Status func(context.Context) Status

	// Objectives and Trends are what /v1/objectives and /v1/trends answer, JSON. Where nobody has told them yet they are nil.
	Objectives func(context.Context) (json.RawMessage, error)
	Trends     func(context.Context) (json.RawMessage, error)
	// OnCall serves what people on call say, below /api/. Where it is nil the process has none.
	OnCall http.Handler

	// Journal keeps the last warnings and errors of this process; nil where nobody does.
	Journal *journal.Journal

	// Outcome takes what people say of situations; nil where this process does not run L4.
	Outcome TakeOutcome

	// Ingested counts n signals at a door ("http", "alertmanager") by outcome ("accepted",
	// "duplicate", "rejected"). Rejected counts the items that were wrong, or one for a
	// request that could not be read or taken at all.
	Ingested func(door, outcome string, n int)
	Now      func() time.Time
	Log      *slog.Logger
}

func (d Deps) validate() error {
	var problems []error
	for _, dep := range []struct {
		name    string
		missing bool
	}{
		{"Decoder", d.Decoder == nil},
		{"Metrics", d.Metrics == nil},
		{"Live", d.Live == nil},
		{"Ready", d.Ready == nil},
		{"Status", d.Status == nil},
		{"Objectives", d.Objectives == nil},
		{"Trends", d.Trends == nil},
		{"Ingested", d.Ingested == nil},
		{"Now", d.Now == nil},
		{"Log", d.Log == nil},
	} {
		if dep.missing {
			problems = append(problems, fmt.Errorf("web: Deps.%s is missing", dep.name))
		}
	}
	return errors.Join(problems...)
}

// Server answers HTTP requests. Use Serve, or Handler under a server of one's own.
type Server struct {
	cfg      Config
	deps     Deps
	page     *template.Template
	limiter  *limiter
	handler  http.Handler
	draining atomic.Bool

	connections atomic.Int64
}

// Connections returns how many connections are open.
func (s *Server) Connections() int { return int(s.connections.Load()) }

// New checks cfg and deps and returns a server that listens nowhere yet.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := errors.Join(cfg.Validate(), deps.validate()); err != nil {
		return nil, err
	}
	page, err := parsePage()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, deps: deps, page: page, limiter: newLimiter(cfg)}
	s.handler = s.protect(s.routes())
	return s, nil
}

// Handler answers every request; timeouts, the check of the host name and draining are
// Serve's.
func (s *Server) Handler() http.Handler { return s.handler }

// route is one path with its one method.
type route struct {
	method string
	path   string
	handle handler
}

func (s *Server) routes() http.Handler {
	routes := []route{
		{http.MethodGet, "/{$}", s.index},
		{http.MethodGet, "/v1/status", s.status},
		{http.MethodGet, "/v1/objectives", s.told(s.deps.Objectives)},
		{http.MethodGet, "/v1/trends", s.told(s.deps.Trends)},
		{http.MethodGet, "/metrics", s.metrics},
		{http.MethodGet, "/healthz", s.healthz},
		{http.MethodGet, "/readyz", s.readyz},
	}
	if s.deps.Intake != nil {
		for path, d := range s.doors() {
			routes = append(routes, route{http.MethodPost, path, s.enter(d)})
		}
	}
	if s.deps.Journal != nil {
		routes = append(routes, route{http.MethodGet, "/v1/errors", s.errors})
	}
	if s.deps.Outcome != nil {
		routes = append(routes, route{http.MethodPost, "/v1/situations/{id}/outcome", s.outcome})
	}
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.method+" "+r.path, r.handle)
		mux.Handle(r.path, methodNotAllowed(r.method))
	}
	if s.deps.OnCall != nil {
		for _, path := range []string{"/api/silences", "/api/acks", "/api/alerts", "/api/suppressed"} {
			mux.Handle(path, s.deps.OnCall)
			mux.Handle(path+"/{id}", s.deps.OnCall)
		}
	}
	mux.Handle("/", handler(s.notFound))
	return mux
}

// handler answers a request or returns why not, which is then the answer.
type handler func(http.ResponseWriter, *http.Request) error

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		writeRefusal(w, err)
	}
}

func methodNotAllowed(method string) handler {
	allow := method
	if method == http.MethodGet {
		allow = "GET, HEAD"
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allow)
		return refuse(http.StatusMethodNotAllowed, "%s is not possible here: want %s", r.Method, allow)
	}
}

func (s *Server) notFound(_ http.ResponseWriter, r *http.Request) error {
	if _, ok := s.doors()[r.URL.Path]; ok {
		return refuse(http.StatusNotFound, "this process takes no signals: send them to one that does")
	}
	return refuse(http.StatusNotFound, "there is nothing at %s: see / for what there is", r.URL.Path)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.deps.Metrics.ServeHTTP(w, r)
	return nil
}

func (s *Server) index(w http.ResponseWriter, r *http.Request) error {
	// The page is made before anything is sent, so that a failure is still a clean 500.
	var body bytes.Buffer
	if err := s.page.Execute(&body, s.view(r)); err != nil {
		return fmt.Errorf("web: index page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy())
	_, err := body.WriteTo(w)
	if err != nil {
		s.deps.Log.DebugContext(r.Context(), "Could not send the index page.", "error", err)
	}
	return nil
}
