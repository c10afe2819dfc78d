package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRoutes(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		allow, text  string
	}{
		{"GET", "/", 200, "", "<title>HAL9"},
		{"HEAD", "/", 200, "", ""},
		{"GET", "/metrics", 200, "", "hal9_up 1"},
		{"GET", "/v1/status", 200, "", `"version":"v1.2.3"`},
		{"GET", "/v1/objectives", 200, "", `[{"objective":"shop"}]`},
		{"GET", "/v1/trends", 200, "", "null"},
		{"POST", "/v1/trends", 405, "GET, HEAD", "POST"},
		{"GET", "/healthz", 200, "", `"status":"ok"`},
		{"GET", "/readyz", 200, "", `"status":"ok"`},
		{"GET", "/nothing", 404, "", "nothing at /nothing"},
		{"POST", "/nothing", 404, "", "nothing at /nothing"},
		{"GET", "/v1/signals/", 404, "", "nothing at"},
		{"POST", "/", 405, "GET, HEAD", "POST"},
		{"DELETE", "/metrics", 405, "GET, HEAD", "DELETE"},
		{"POST", "/readyz", 405, "GET, HEAD", "POST"},
		{"GET", "/v1/signals", 405, "POST", "want POST"},
		{"PUT", "/v1/alertmanager", 405, "POST", "PUT"},
		{"GET", "/api/v2/alerts", 405, "POST", "GET"},
	}
	b := setup(t)
	for _, test := range tests {
		rec := b.send(t, test.method, test.path, "")
		if rec.Code != test.status || rec.Header().Get("Allow") != test.allow || !strings.Contains(rec.Body.String(), test.text) {
			t.Errorf("%s %s: status %d, Allow %q, %s: want %d, %q, %q", test.method, test.path,
				rec.Code, rec.Header().Get("Allow"), rec.Body, test.status, test.allow, test.text)
		}
		if rec.Code >= 400 {
			read(t, rec)
		}
		for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"} {
			if rec.Header().Get(name) == "" {
				t.Errorf("%s %s: no header %s", test.method, test.path, name)
			}
		}
	}
}

// TestNoIntake is a process that takes no signals.
func TestNoIntake(t *testing.T) {
	b := setup(t, func(_ *Config, d *Deps) { d.Intake = nil })
	rec := b.post(t, "/v1/signals", oneSignal, "Content-Type", typeJSON)
	if got := read(t, rec); rec.Code != http.StatusNotFound || !strings.Contains(got.Error, "takes no signals") {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
	if page := b.get(t, "/").Body.String(); strings.Contains(page, "/v1/signals") {
		t.Error("the page offers a door that is not there")
	}
}

func TestNewRefuses(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	cfg := DefaultConfig()
	cfg.MaxBodyBytes, cfg.MaxItems, cfg.MaxInFlightBytes, cfg.IdleTimeout = 10, 0, 5, -time.Second
	cfg.WriteTimeout = cfg.ReadTimeout
	_, err := New(cfg, Deps{})
	if err == nil {
		t.Fatal("New took an impossible configuration")
	}
	for _, want := range []string{
		"MaxItems is 0", "at least MaxBodyBytes, 10", "IdleTimeout is -1s", "WriteTimeout is 30s: want more than",
		"Deps.Decoder", "Deps.Metrics", "Deps.Live", "Deps.Ready", "Deps.Status", "Deps.Ingested", "Deps.Now", "Deps.Log",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nhas no %q", err, want)
		}
	}
}
