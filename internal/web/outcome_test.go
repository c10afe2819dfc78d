package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutcome(t *testing.T) {
	var said []string
	take := func(_ context.Context, situation string, o Outcome) error {
		switch {
		case situation == "gone":
			return ErrNoSituation
		case situation == "down":
			return errors.New("NATS is away")
		case o.Word != "helped":
			return ErrNoWord
		}
		said = append(said, situation+" "+o.Word+" "+o.Note)
		return nil
	}
	s := setup(t, func(_ *Config, d *Deps) { d.Outcome = take })
	for _, test := range []struct {
		method, path, kind, body string
		status                   int
		want                     string
	}{
		{"POST", "/v1/situations/sit-1/outcome", "application/json", `{"word":"helped","note":"logs"}`, 202, `"situation_id":"sit-1"`},
		{"POST", "/v1/situations/sit-1/outcome", "application/json", `{"word":"so-so"}`, 400, "want helped or useless"},
		{"POST", "/v1/situations/sit-1/outcome", "application/json", `helped`, 400, "want {"},
		{"POST", "/v1/situations/gone/outcome", "application/json", `{"word":"helped"}`, 404, "no situation"},
		{"POST", "/v1/situations/down/outcome", "application/json", `{"word":"helped"}`, 503, "try again"},
		{"POST", "/v1/situations/sit-1/outcome", "text/plain", `{"word":"helped"}`, 415, "application/json"},
		{"GET", "/v1/situations/sit-1/outcome", "", "", 405, "POST"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.path, strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.kind)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if body := strings.ReplaceAll(w.Body.String(), `\"`, `"`); w.Code != test.status || !strings.Contains(strings.ReplaceAll(body, `": "`, `":"`), test.want) {
			t.Errorf("%s %s %q: %d %s, want %d with %q", test.method, test.path, test.body, w.Code, body, test.status, test.want)
		}
	}
	if diff := cmp.Diff([]string{"sit-1 helped logs"}, said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
	s = setup(t)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/situations/a/outcome", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a process without L4 answers %d", w.Code)
	}
}
