package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/ingest"
)

const (
	typeJSON   = "application/json"
	oneSignal  = `{"id":"a1","source":"shop","key":"cart","severity":"error","message":"no stock"}`
	twoSignals = `[{"id":"a1","source":"shop","message":"one"},{"id":"a2","source":"shop","message":"two"}]`
	oneEvent   = `{"specversion":"1.0","id":"e1","source":"/s","type":"t"}`
	oneAlert   = `[{"labels":{"alertname":"DiskFull","instance":"db1"},"startsAt":"2026-03-01T11:59:00Z"}]`
	oneHook    = `{"version":"4","groupKey":"g","status":"firing","receiver":"hal9","alerts":[{"status":"firing",` +
		`"labels":{"alertname":"DiskFull","instance":"db1"},"annotations":{},"startsAt":"2026-03-01T11:59:00Z","fingerprint":"f1"}]}`
)

// TestDoorAccepts shows every form of body that is taken, with the ids of what is stored.
func TestDoorAccepts(t *testing.T) {
	tests := map[string]struct {
		path, body string
		header     []string
		want       []string // ids; "*" for one that was filled in
	}{
		"object":            {"/v1/signals", oneSignal, []string{"Content-Type", typeJSON}, []string{"a1"}},
		"array":             {"/v1/signals", twoSignals, []string{"Content-Type", "application/json; charset=utf-8"}, []string{"a1", "a2"}},
		"empty array":       {"/v1/signals", "[]", []string{"Content-Type", typeJSON}, nil},
		"ndjson":            {"/v1/signals", oneSignal + "\n" + `{"message":"x"}` + "\n", []string{"Content-Type", "application/x-ndjson"}, []string{"a1", "*"}},
		"text lines":        {"/v1/signals", "disk full\nrestarted\n", []string{"Content-Type", "text/plain"}, []string{"*", "*"}},
		"structured event":  {"/v1/signals", oneEvent, []string{"Content-Type", "application/cloudevents+json"}, []string{"e1"}},
		"batch of events":   {"/v1/signals", "[" + oneEvent + "]", []string{"Content-Type", "application/cloudevents-batch+json"}, []string{"e1"}},
		"gzip":              {"/v1/signals", gzipped(t, twoSignals), []string{"Content-Type", typeJSON, "Content-Encoding", "gzip"}, []string{"a1", "a2"}},
		"no type":           {"/v1/signals", oneSignal, nil, []string{"a1"}},
		"webhook":           {"/v1/alertmanager", oneHook, []string{"Content-Type", typeJSON}, []string{"*"}},
		"webhook, no type":  {"/v1/alertmanager", oneHook, nil, []string{"*"}},
		"the binary mode's": {"/v1/signals", `{"n":1}`, []string{"Content-Type", typeJSON, "Ce-Specversion", "1.0", "Ce-Id", "b1", "Ce-Source", "/s", "Ce-Type", "t"}, []string{"b1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			rec := b.post(t, test.path, test.body, test.header...)
			if rec.Code != http.StatusAccepted {
				t.Fatalf("status %d: %s", rec.Code, rec.Body)
			}
			got := read(t, rec)
			if got.Accepted == nil || got.Count != len(test.want) || len(got.Accepted) != len(test.want) {
				t.Fatalf("%s: want %d accepted", rec.Body, len(test.want))
			}
			for i, want := range test.want {
				a := got.Accepted[i]
				if a.ID == "" || (want != "*" && a.ID != want) || a.Duplicate || a.ID != b.store.items[i].Signal.ID {
					t.Errorf("item %d: %+v, stored %q, want %q", i, a, b.store.items[i].Signal.ID, want)
				}
			}
		})
	}
}

// TestDoorPrometheus answers a Prometheus server as Alertmanager does.
func TestDoorPrometheus(t *testing.T) {
	b := setup(t)
	rec := b.post(t, "/api/v2/alerts", oneAlert, "Content-Type", typeJSON)
	if rec.Code != http.StatusOK || rec.Body.Len() != 0 {
		t.Errorf("status %d, body %q: want 200 and none", rec.Code, rec.Body)
	}
	if len(b.store.items) != 1 || b.store.items[0].Signal.Labels["alertname"] != "DiskFull" {
		t.Errorf("stored %+v", b.store.items)
	}
	if got := b.ledger.counts["alertmanager accepted"]; got != 1 {
		t.Errorf("counted %v", b.ledger.counts)
	}
}

func TestDoorDuplicates(t *testing.T) {
	b := setup(t)
	b.post(t, "/v1/signals", oneSignal, "Content-Type", typeJSON)
	got := read(t, b.post(t, "/v1/signals", twoSignals, "Content-Type", typeJSON))
	want := []accepted{{ID: "a1", Duplicate: true}, {ID: "a2"}}
	if diff := cmp.Diff(want, got.Accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"http accepted": 2, "http duplicate": 1}, b.ledger.counts); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// TestDoorRefuses shows each status that a request can end with before anything is stored.
func TestDoorRefuses(t *testing.T) {
	small := func(c *Config, _ *Deps) { c.MaxBodyBytes, c.MaxItems = 200, 3 }
	tests := map[string]struct {
		path, body string
		header     []string
		status     int
		text       string // in the error
	}{
		"broken JSON":         {"/v1/signals", `{"id":`, []string{"Content-Type", typeJSON}, 400, "wrong items: 1"},
		"empty body":          {"/v1/signals", "", []string{"Content-Type", typeJSON}, 400, "the body is empty"},
		"broken gzip":         {"/v1/signals", "plain", []string{"Content-Type", typeJSON, "Content-Encoding", "gzip"}, 400, "gzip"},
		"cut gzip":            {"/v1/signals", gzipped(t, oneSignal)[:40], []string{"Content-Type", typeJSON, "Content-Encoding", "gzip"}, 400, "EOF"},
		"webhook no JSON":     {"/v1/alertmanager", "x", []string{"Content-Type", typeJSON}, 400, ""},
		"alerts no array":     {"/api/v2/alerts", "{}", []string{"Content-Type", typeJSON}, 400, ""},
		"large body":          {"/v1/signals", strings.Repeat("x", 201), []string{"Content-Type", "text/plain"}, 413, "limit of 200 bytes"},
		"gzip bomb":           {"/v1/signals", gzipped(t, strings.Repeat("0", 50_000)), []string{"Content-Type", "text/plain", "Content-Encoding", "gzip"}, 413, "limit of 200 bytes"},
		"empty gzip members":  {"/v1/signals", strings.Repeat(gzipped(t, ""), 10), []string{"Content-Type", "text/plain", "Content-Encoding", "gzip"}, 413, "limit of 200 bytes"},
		"too many items":      {"/v1/signals", "1\n2\n3\n4\n", []string{"Content-Type", "text/plain"}, 413, "limit of 3"},
		"too many elements":   {"/v1/signals", `[{"a":1},{"a":2},{"a":3},{"a":4}]`, []string{"Content-Type", typeJSON}, 413, "limit of 3"},
		"many broken":         {"/v1/signals", "[" + strings.Repeat("x,", 50) + "]", []string{"Content-Type", typeJSON}, 413, "51 signals"},
		"many blank":          {"/v1/signals", "\n \n" + strings.Repeat("1\n\n", 4), []string{"Content-Type", "application/x-ndjson"}, 413, "4 signals"},
		"many alerts":         {"/v1/alertmanager", `{"version":"4","alerts":[{},{},{},{}]}`, []string{"Content-Type", typeJSON}, 413, "4 signals"},
		"many v2 alerts":      {"/api/v2/alerts", `[{},{},{},{}]`, []string{"Content-Type", typeJSON}, 413, "4 signals"},
		"no JSON in a form":   {"/v1/signals", "a=1&b=2", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, "wrong items: 1"},
		"form of a page":      {"/v1/signals", oneSignal, []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		"broken type":         {"/v1/signals", oneSignal, []string{"Content-Type", "a/b; c"}, 415, typeJSON},
		"webhook as text":     {"/v1/alertmanager", oneHook, []string{"Content-Type", "text/plain"}, 415, typeJSON},
		"alerts, broken type": {"/api/v2/alerts", oneAlert, []string{"Content-Type", ";"}, 415, typeJSON},
		"brotli":              {"/v1/signals", oneSignal, []string{"Content-Type", typeJSON, "Content-Encoding", "br"}, 415, "want gzip"},
		"other site's page":   {"/v1/signals", oneSignal, []string{"Content-Type", "text/plain", "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		"other origin":        {"/v1/signals", oneSignal, []string{"Content-Type", "text/plain", "Origin", "https://evil.example"}, 403, "another site"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := setup(t, small)
			rec := b.post(t, test.path, test.body, test.header...)
			got := read(t, rec)
			if rec.Code != test.status || got.Error == "" || !strings.Contains(got.Error, test.text) {
				t.Errorf("status %d, %s: want %d and %q", rec.Code, rec.Body, test.status, test.text)
			}
			if len(b.store.items) != 0 {
				t.Errorf("stored %+v", b.store.items)
			}
			rejected := b.ledger.counts["http rejected"] + b.ledger.counts["alertmanager rejected"]
			if rejected == 0 && test.status != http.StatusForbidden {
				t.Error("not counted as rejected")
			}
		})
	}
}

// TestDoorProblems shows that every wrong item is named by its place and field, that all of
// them count, and that none of the others is stored.
func TestDoorProblems(t *testing.T) {
	b := setup(t)
	body := `[{"id":"a","message":"fine"},{"time":"yesterday","message":"x"},{"id":"c","message":"fine"},{"id":"` + strings.Repeat("x", 300) + `","message":"x"}]`
	rec := b.post(t, "/v1/signals", body, "Content-Type", typeJSON)
	if rec.Code != http.StatusBadRequest {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	type place struct {
		Index int
		Field string
	}
	var got []place
	for _, p := range read(t, rec).Problems {
		got = append(got, place{p.Index, p.Field})
		if p.Problem == "" {
			t.Errorf("item %d: no problem is named", p.Index)
		}
	}
	if diff := cmp.Diff([]place{{1, "time"}, {3, "id"}}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(b.store.items) != 0 || b.ledger.counts["http rejected"] != 2 {
		t.Errorf("stored %d, counted %v", len(b.store.items), b.ledger.counts)
	}
}

func TestDoorProblemsBounded(t *testing.T) {
	b := setup(t)
	body := strings.Repeat(`{"time":"yesterday"}`+"\n", 250)
	got := read(t, b.post(t, "/v1/signals", body, "Content-Type", "application/x-ndjson"))
	if len(got.Problems)+got.More != 250 || len(got.Problems) > maxProblems {
		t.Errorf("%d problems and %d more", len(got.Problems), got.More)
	}
}

func TestDoorTraceParent(t *testing.T) {
	const (
		request = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		own     = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	)
	body := `[{"specversion":"1.0","id":"1","source":"/s","type":"t","traceparent":"` + own + `"},{"specversion":"1.0","id":"2","source":"/s","type":"t"}]`
	for header, want := range map[string][]string{
		request:        {own, request},
		request + "x":  {own, ""},
		"00-0-0-01":    {own, ""},
		request[1:]:    {own, ""},
		"ff" + request: {own, ""},
	} {
		b := setup(t)
		b.post(t, "/v1/signals", body, "Content-Type", "application/cloudevents-batch+json", "Traceparent", header)
		var got []string
		for _, item := range b.store.items {
			got = append(got, item.TraceParent)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("header %q (-want +got):\n%s", header, diff)
		}
	}
	b := setup(t)
	b.post(t, "/api/v2/alerts", oneAlert, "Content-Type", typeJSON, "Traceparent", request)
	if got := b.store.items[0].TraceParent; got != request {
		t.Errorf("alert: traceparent %q", got)
	}
}

// TestDoorUnstored shows the answers to a store that fails, and that after 503 a second try
// with the ids of the answer stores each signal once.
func TestDoorUnstored(t *testing.T) {
	busy := &BusyError{After: 2500 * time.Millisecond, Err: errors.New("the stream is full")}
	tests := map[string]struct {
		path, body string
		fail       error
		room       int
		status     int
		retry      string
		stored     int
	}{
		"full":                  {"/v1/signals", twoSignals, busy, -1, 429, "3", 0},
		"full, wrapped":         {"/v1/signals", twoSignals, fmt.Errorf("bus: %w", busy), -1, 429, "3", 0},
		"full for alertmanager": {"/v1/alertmanager", oneHook, busy, -1, 503, "3", 0},
		"full for prometheus":   {"/api/v2/alerts", oneAlert, busy, -1, 503, "3", 0},
		"unreachable":           {"/v1/signals", twoSignals, errors.New("no responders"), -1, 503, "1", 0},
		"half":                  {"/v1/signals", twoSignals, errors.New("no responders"), 1, 503, "1", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.store.fail, b.store.room = test.fail, test.room
			rec := b.post(t, test.path, test.body, "Content-Type", typeJSON)
			got := read(t, rec)
			if rec.Code != test.status || rec.Header().Get("Retry-After") != test.retry || got.Error == "" {
				t.Errorf("status %d, Retry-After %q, %s: want %d and %q",
					rec.Code, rec.Header().Get("Retry-After"), rec.Body, test.status, test.retry)
			}
			if len(got.Accepted) != test.stored || len(b.store.items) != test.stored {
				t.Errorf("accepted %v, stored %d: want %d", got.Accepted, len(b.store.items), test.stored)
			}
		})
	}
}

// forgetful is an Intake that breaks its contract: it says yes without a receipt for each.
type forgetful struct{}

func (forgetful) Submit(context.Context, []ingest.Item) ([]Receipt, error) {
	return []Receipt{{ID: "a1"}}, nil
}

func TestDoorMissingReceipt(t *testing.T) {
	b := setup(t, func(_ *Config, d *Deps) { d.Intake = forgetful{} })
	rec := b.post(t, "/v1/signals", twoSignals, "Content-Type", typeJSON)
	if got := read(t, rec); rec.Code != http.StatusServiceUnavailable || len(got.IDs) != 2 {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
}

func TestDoorRetry(t *testing.T) {
	b := setup(t)
	b.store.fail, b.store.room = errors.New("no responders"), 1
	got := read(t, b.post(t, "/v1/signals", "one\ntwo\nthree\n", "Content-Type", "text/plain"))
	if len(got.IDs) != 3 || len(got.Accepted) != 1 || got.Accepted[0].ID != got.IDs[0] {
		t.Fatalf("%+v: want three ids, the first of them accepted", got)
	}
	source := b.store.items[0].Signal.Source
	var again []string
	for i, id := range got.IDs {
		again = append(again, fmt.Sprintf(`{"id":%q,"source":%q,"message":"%d"}`, id, source, i))
	}
	b.store.fail = nil
	rec := b.post(t, "/v1/signals", "["+strings.Join(again, ",")+"]", "Content-Type", typeJSON)
	got = read(t, rec)
	if rec.Code != http.StatusAccepted || !got.Accepted[0].Duplicate || got.Accepted[1].Duplicate || len(b.store.items) != 3 {
		t.Errorf("status %d, %s, stored %d", rec.Code, rec.Body, len(b.store.items))
	}
	want := map[string]int{"http accepted": 3, "http duplicate": 1, "http rejected": 2}
	if diff := cmp.Diff(want, b.ledger.counts); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
