package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProbes(t *testing.T) {
	bad := []Check{{Name: "nats", OK: true}, {Name: "L3", Detail: "stream HAL9_L3 is missing: run hal9 provision"}}
	for name, test := range map[string]struct {
		path   string
		live   []Check
		ready  []Check
		status int
		want   []Check
	}{
		"live":            {"/healthz", []Check{{Name: "loop", OK: true}}, bad, 200, []Check{{Name: "loop", OK: true}}},
		"not live":        {"/healthz", []Check{{Name: "loop", Detail: "stuck"}}, nil, 503, []Check{{Name: "loop", Detail: "stuck"}}},
		"ready":           {"/readyz", nil, []Check{{Name: "nats", OK: true}}, 200, []Check{{Name: "nats", OK: true}}},
		"not ready":       {"/readyz", nil, bad, 503, bad},
		"nothing checked": {"/readyz", nil, nil, 503, []Check{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.live, b.ready = test.live, test.ready
			rec := b.get(t, test.path)
			got := read(t, rec)
			if rec.Code != test.status || (got.Status == "ok") != (test.status == http.StatusOK) {
				t.Errorf("status %d: %s", rec.Code, rec.Body)
			}
			if diff := cmp.Diff(test.want, got.Checks); diff != "" {
				t.Errorf("checks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProbeSlow shows that a check that only ends with its time is no success.
func TestProbeSlow(t *testing.T) {
	b := setup(t, func(c *Config, d *Deps) {
		c.CheckTimeout = 20 * time.Millisecond
		d.Ready = func(ctx context.Context) []Check {
			<-ctx.Done()
			return []Check{{Name: "nats", OK: true}}
		}
	})
	if rec := b.get(t, "/readyz"); rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "20ms") {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
}
