package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is an Intake that keeps signals in memory, once per identity.
type store struct {
	mu    sync.Mutex
	seen  map[string]bool
	items []ingest.Item
	room  int // how many more items it stores before it fails; below 0 any number
	// fail is what Submit says where there is no room, or always where room is below 0.
	fail error
	// block, where set, is called before anything is stored.
	block func(context.Context) error
}

func (s *store) Submit(ctx context.Context, items []ingest.Item) (receipts []Receipt, err error) {
	if s.block != nil {
		if err := s.block(ctx); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil && s.room < 0 {
		return nil, s.fail
	}
	for i := range items {
		if s.fail != nil && s.room == 0 {
			return receipts, s.fail
		}
		s.room--
		id := items[i].Signal.Identity()
		receipts = append(receipts, Receipt{ID: items[i].Signal.ID, Duplicate: s.seen[id]})
		if !s.seen[id] {
			s.seen[id] = true
			s.items = append(s.items, items[i])
		}
	}
	return receipts, nil
}

// ledger is what Deps.Ingested was told.
type ledger struct {
	mu     sync.Mutex
	counts map[string]int
}

func (l *ledger) add(door, outcome string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 0 {
		l.counts[door+" "+outcome] += n
	}
}

// bundle is a server with everything around it that a test may look at or turn.
type bundle struct {
	*Server
	store      *store
	ledger     *ledger
	log        *bytes.Buffer
	live       []Check
	ready      []Check
	state      Status
	trendsFail error
	now        time.Time
}

func setup(t *testing.T, change ...func(*Config, *Deps)) *bundle {
	t.Helper()
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{
		store:  &store{seen: make(map[string]bool), room: -1},
		ledger: &ledger{counts: make(map[string]int)},
		log:    &bytes.Buffer{},
		live:   []Check{{Name: "goroutines", OK: true}},
		ready:  []Check{{Name: "nats", OK: true}, {Name: "L1", OK: true}},
		now:    time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	b.state = Status{
		Version: "v1.2.3", Commit: "abc1234", StartedAt: b.now.Add(-90 * time.Minute),
		NATSURL: "nats://127.0.0.1:4222,nats://other:4222", NATSConnected: true,
		Layers: []LayerStatus{
			{
				Layer: layers.NameL1, Running: true, Queue: &Queue{Depth: 1234, OldestAge: 1500 * time.Millisecond},
				Signals: map[layers.Disposition]uint64{layers.DispositionSuppressed: 6, layers.DispositionEscalated: 4},
			},
			{Layer: layers.NameL2},
		},
	}
	cfg := DefaultConfig()
	deps := Deps{
		Intake: b.store, Decoder: decoder,
		Metrics:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hal9_up 1\n") }),
		Live:       func(context.Context) []Check { return b.live },
		Ready:      func(context.Context) []Check { return b.ready },
		Status:     func(context.Context) Status { return b.state },
		Objectives: func(context.Context) (json.RawMessage, error) { return json.RawMessage(`[{"objective":"shop"}]`), nil },
		Trends:     func(context.Context) (json.RawMessage, error) { return nil, b.trendsFail },
		Now:        func() time.Time { return b.now },
		Log:        slog.New(slog.NewTextHandler(b.log, nil)), Ingested: b.ledger.add,
	}
	for _, c := range change {
		c(&cfg, &deps)
	}
	b.Server, err = New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// post sends body to path and returns the answer.
func (b *bundle) post(t *testing.T, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return b.send(t, http.MethodPost, path, body, header...)
}

func (b *bundle) get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	return b.send(t, http.MethodGet, path, "")
}

// send makes one request; header is names and values in turn.
func (b *bundle) send(t *testing.T, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, req)
	return rec
}

// answer is every field that an answer may have.
type answer struct {
	Error    string     `json:"error"`
	Problems []problem  `json:"problems"`
	More     int        `json:"more_problems"`
	Accepted []accepted `json:"accepted"`
	Count    int        `json:"count"`
	IDs      []string   `json:"ids"`
	Status   string     `json:"status"`
	Checks   []Check    `json:"checks"`
}

func read(t *testing.T, rec *httptest.ResponseRecorder) (a answer) {
	t.Helper()
	if got := rec.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q, want application/json", got)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", rec.Body, err)
	}
	return a
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
