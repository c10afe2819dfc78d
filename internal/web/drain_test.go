package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// holding makes the store wait until release is closed or the request ends; held gets a
// value for each request that waits.
func holding(b *bundle) (held, release chan struct{}) {
	held, release = make(chan struct{}, 8), make(chan struct{})
	b.store.block = func(ctx context.Context) error {
		held <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return held, release
}

// TestServeDrains lets a request in flight finish after the end has come.
func TestServeDrains(t *testing.T) {
	b := setup(t)
	held, release := holding(b)
	addr, stop := serving(t, b)
	answered := make(chan string, 1)
	go func() { answered <- raw(t, addr, head+"Content-Length: 5\r\n\r\nhello") }()
	<-held
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for !b.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	if rec := b.get(t, "/readyz"); rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "stopping") {
		t.Errorf("ready while stopping: %s", rec.Body)
	}
	close(release)
	if got := <-answered; !strings.HasPrefix(got, "HTTP/1.1 202 ") {
		t.Errorf("answer %q, want 202", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestServeDrainBounded cancels what does not finish, and waits for it.
func TestServeDrainBounded(t *testing.T) {
	b := setup(t, func(c *Config, _ *Deps) { c.DrainTimeout = 30 * time.Millisecond })
	held, _ := holding(b)
	hold := b.store.block
	cause := make(chan error, 1)
	b.store.block = func(ctx context.Context) error {
		err := hold(ctx)
		time.Sleep(50 * time.Millisecond) // the time to clean up
		cause <- err
		return err
	}
	addr, stop := serving(t, b)
	answered := make(chan string, 1)
	go func() { answered <- raw(t, addr, head+"Content-Length: 5\r\n\r\nhello") }()
	<-held
	err := stop()
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "30ms") {
		t.Errorf("Serve: %v, want the deadline", err)
	}
	select {
	case err := <-cause:
		if !errors.Is(err, errStopped) {
			t.Errorf("the request ended with %v, want errStopped", err)
		}
	default:
		t.Error("Serve did not wait for the request")
	}
	if got := <-answered; strings.HasPrefix(got, "HTTP/1.1 2") {
		t.Errorf("answer %q to what was not stored", got)
	}
}

func TestSubmitTimeout(t *testing.T) {
	b := setup(t, func(c *Config, _ *Deps) { c.SubmitTimeout = 20 * time.Millisecond })
	holding(b)
	rec := b.post(t, "/v1/signals", oneSignal, "Content-Type", typeJSON)
	if got := read(t, rec); rec.Code != http.StatusServiceUnavailable || len(got.IDs) != 1 {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
}

// TestInFlight answers 429 to what is beyond the bound of requests or of bytes, and takes
// the next once one has left.
func TestInFlight(t *testing.T) {
	for name, change := range map[string]func(*Config, *Deps){
		"requests": func(c *Config, _ *Deps) { c.MaxInFlight = 1 },
		"bytes":    func(c *Config, _ *Deps) { c.MaxBodyBytes, c.MaxInFlightBytes = 100, 100 },
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, change)
			held, release := holding(b)
			addr, _ := serving(t, b)
			answered := make(chan string, 1)
			go func() {
				answered <- raw(t, addr, head+"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
			}()
			<-held
			for path, want := range map[string]int{"/v1/signals": 429, "/v1/alertmanager": 503, "/api/v2/alerts": 503} {
				rec := b.post(t, path, oneSignal, "Content-Type", typeJSON)
				if rec.Code != want || rec.Header().Get("Retry-After") != "1" {
					t.Errorf("%s: status %d, Retry-After %q: want %d", path, rec.Code, rec.Header().Get("Retry-After"), want)
				}
			}
			if rec := b.get(t, "/healthz"); rec.Code != http.StatusOK {
				t.Errorf("/healthz: status %d while busy", rec.Code)
			}
			close(release)
			if got := <-answered; !strings.HasPrefix(got, "HTTP/1.1 202 ") {
				t.Errorf("answer %q", got)
			}
			waitFor(t, func() bool {
				return b.post(t, "/v1/signals", oneSignal, "Content-Type", typeJSON).Code == http.StatusAccepted
			})
		})
	}
}

// waitFor gives a handler that has answered the time to leave.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Error("it did not happen within a second")
}
