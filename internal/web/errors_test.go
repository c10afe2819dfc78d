package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/journal"
)

func TestErrorsAndTheRoll(t *testing.T) {
	if code := setup(t).get(t, "/v1/errors").Code; code != http.StatusNotFound {
		t.Errorf("without a journal: %d", code)
	}
	var j journal.Journal
	b := setup(t, func(_ *Config, d *Deps) { d.Journal = &j })
	b.state.Process = &Process{Name: "host/1/abc", PID: 1, Now: b.now}
	if body := strings.TrimSpace(b.get(t, "/v1/errors").Body.String()); !strings.Contains(body, `"errors": []`) && body != `{"errors":[]}` {
		t.Errorf("empty: %s", body)
	}
	log := slog.New(j.Handler(slog.DiscardHandler))
	for range 3 {
		log.Error("stage failed", "error", "boom")
	}
	for _, text := range []string{`stage failed`, `error=boom`, `"count":3`} {
		if body := b.get(t, "/v1/errors").Body.String(); !strings.Contains(strings.ReplaceAll(body, ": ", ":"), text) {
			t.Errorf("no %s in %s", text, body)
		}
	}
	data, err := b.Roll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var roll struct {
		Status struct {
			Version string `json:"version"`
			Ready   bool   `json:"ready"`
			Process struct {
				Name string `json:"name"`
			} `json:"process"`
		} `json:"status"`
		Errors []journal.Entry `json:"errors"`
	}
	if err := json.Unmarshal(data, &roll); err != nil {
		t.Fatal(err)
	}
	if roll.Status.Version != "v1.2.3" || !roll.Status.Ready || roll.Status.Process.Name != "host/1/abc" || len(roll.Errors) != 1 {
		t.Errorf("%s", data)
	}
	if strings.Contains(string(data), "secret") {
		t.Errorf("it tells a password: %s", data)
	}
}
