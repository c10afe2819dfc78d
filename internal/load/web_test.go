package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestWebClassifiesWhatServersSay asks real servers.
func TestWebClassifiesWhatServersSay(t *testing.T) {
	accepted := `{"accepted":[{"id":"one","duplicate":false}],"count":1}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   Kind
		after  time.Duration
	}{
		"accepted":     {202, accepted, "", 0},
		"another id":   {202, strings.ReplaceAll(accepted, "one", "two"), KindWrongAnswer, 0},
		"two accepted": {202, `{"accepted":[{"id":"one"},{"id":"one"}]}`, KindWrongAnswer, 0},
		"no JSON":      {200, "<html>", KindWrongAnswer, 0},
		"empty":        {200, "", KindWrongAnswer, 0},
		"refused":      {429, `{"error":"too much"}`, KindRefused, 7 * time.Second},
		"unavailable":  {503, `{"error":"NATS is away"}`, KindUnavailable, 7 * time.Second},
		"bad request":  {400, `{"error":"no"}`, "status 400", 7 * time.Second},
		"redirected":   {300, ``, "status 300", 7 * time.Second},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		web := newWeb(server.URL, 1)
		err := web.publish(t.Context(), &signal{ID: "one"})
		if got := KindOf(err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
		if refusal, ok := errors.AsType[retryableError](err); ok && refusal.RetryAfter() != c.after {
			t.Errorf("%s: try again after %s, want %s", name, refusal.RetryAfter(), c.after)
		}
		web.close()
		server.Close()
	}
}

func TestWebClassifiesServersThatAreNotThere(t *testing.T) {
	hanging := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/status" {
			<-hanging
			return
		}
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}))
	web := newWeb(server.URL, 1)
	defer web.close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := web.status(ctx); KindOf(err) != KindTimeout {
		t.Errorf("a server that hangs gives %v", err)
	}
	if err := web.publish(t.Context(), &signal{ID: "one"}); KindOf(err) != KindConnection {
		t.Errorf("a server that hangs up gives %v", err)
	}
	close(hanging)
	server.Close()
	if err := web.status(t.Context()); KindOf(err) != KindConnection {
		t.Errorf("a server that is gone gives %v", err)
	}
}

// TestWebKeepsItsConnections has users ask in turn many times: a connection each is enough.
func TestWebKeepsItsConnections(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"layers":[{"layer":"L1"}]}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	web := newWeb(server.URL, 50)
	defer web.close()
	done := make(chan error, 50)
	for range 50 {
		go func() {
			var err error
			for range 20 {
				err = errors.Join(err, web.status(t.Context()))
			}
			done <- err
		}()
	}
	for range 50 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := connections.Load(); n < 1 || n > 50 {
		t.Errorf("%d connections for 50 users", n)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "3": 3 * time.Second, " 3 ": 3 * time.Second, "-3": 0, "soon": 0, "1.5": 0, "9999": retryAfterMax,
		"99999999999999999999":          0,
		"Wed, 04 Mar 2026 12:00:05 GMT": 5 * time.Second,
		"Wed, 04 Mar 2026 11:00:05 GMT": 0,
		"Wed, 04 Mar 2027 12:00:05 GMT": retryAfterMax,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("retryAfter(%q) = %s, want %s", text, got, want)
		}
	}
}

// FuzzAnswers has servers say anything: it is classified, and never waited for beyond the bound.
func FuzzAnswers(f *testing.F) {
	f.Add(202, `{"accepted":[{"id":"one"}]}`, "3")
	f.Add(429, `{"error":"too much"}`, "Wed, 04 Mar 2026 12:00:05 GMT")
	f.Add(200, "\x00\xff", "-1")
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		w := web{base: "http://x", client: &http.Client{Transport: answers(func() *http.Response {
			recorder := httptest.NewRecorder()
			recorder.Header().Set("Retry-After", after)
			recorder.WriteHeader(200 + abs(status)%400)
			recorder.Body.WriteString(body)
			return recorder.Result()
		})}}
		err := w.publish(t.Context(), &signal{ID: "one"})
		if err == nil && !strings.Contains(body, "one") {
			t.Errorf("%q counts as accepted", body)
		}
		if text := fmt.Sprint(err); strings.ContainsAny(plainText(text), "\x00\x1b\n") {
			t.Errorf("%q could steer a terminal", text)
		}
		if refusal, ok := errors.AsType[retryableError](err); ok && (refusal.RetryAfter() < 0 || refusal.RetryAfter() > retryAfterMax) {
			t.Errorf("Retry-After %q gives %s", after, refusal.RetryAfter())
		}
	})
}

type answers func() *http.Response

func (a answers) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }

func abs(n int) int { return max(n, -(n + 1)) }
