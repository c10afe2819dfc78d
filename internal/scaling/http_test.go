package scaling_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// get asks a scaler over HTTP.
func get(t *testing.T, r *running, path string) (code int, body string) {
	t.Helper()
	answer := httptest.NewRecorder()
	r.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func scrape(t *testing.T, r *running) string {
	t.Helper()
	_, body := get(t, r, "/metrics")
	return body
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	r := start(t, b, config(1), "one")
	for _, layer := range layers.Names() {
		r.wants(t, layer, anyDecision)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := get(t, r, path); code != http.StatusOK || !strings.Contains(body, `"status":"ok"`) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}
