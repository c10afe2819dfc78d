package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serving starts the server on a free port. stop ends it and returns what Serve said.
func serving(t *testing.T, b *bundle) (addr string, stop func() error) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, ln) }()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			_ = stop()
		}
	})
	return ln.Addr().String(), stop
}

// raw sends text over a connection of its own and returns all that comes back.
func raw(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	all, _ := io.ReadAll(conn)
	return string(all)
}

const head = "POST /v1/signals HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"

func TestServe(t *testing.T) {
	b := setup(t)
	addr, stop := serving(t, b)
	got := raw(t, addr, head+"Connection: close\r\nContent-Length: 5\r\n\r\nhello")
	if !strings.HasPrefix(got, "HTTP/1.1 202 ") || len(b.store.items) != 1 {
		t.Errorf("answer %q, stored %d", got, len(b.store.items))
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", addr); err == nil {
		conn.Close()
		t.Error("the server still listens")
	}
}

func TestServeClosedListener(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := setup(t).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want net.ErrClosed", err)
	}
}

// TestServeHosts refuses names that a foreign page could point at this machine.
func TestServeHosts(t *testing.T) {
	b := setup(t, func(c *Config, _ *Deps) { c.Hosts = []string{"hal9.example.org"} })
	addr, _ := serving(t, b)
	for host, want := range map[string]string{
		"localhost:9099": "200", "LOCALHOST": "200", "hal9.localhost": "200", "127.0.0.1": "200", "[::1]:9099": "200", "[::1]": "200",
		"hal9.example.org:80": "200", "evil.example": "421", "localhost.evil.example:9099": "421",
	} {
		got := raw(t, addr, "GET /healthz HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("Host %q: %.80q, want %s", host, got, want)
		}
	}
}

func TestGuardedOnlyOnLoopback(t *testing.T) {
	b := setup(t)
	next := http.NotFoundHandler()
	for _, listen := range []net.Addr{&net.TCPAddr{IP: net.IPv4zero}, &net.TCPAddr{IP: net.ParseIP("10.0.0.1")}, &net.UnixAddr{}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://hal9.svc/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		w := &watchedWriter{ResponseWriter: &discard{header: http.Header{}}}
		b.guarded(listen, next).ServeHTTP(w, req)
		if got := w.ResponseWriter.(*discard).status; got != http.StatusNotFound {
			t.Errorf("%v: status %d", listen, got)
		}
	}
}

// discard is a ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// TestServeSlowBody answers 408 to a body that stops on the way.
func TestServeSlowBody(t *testing.T) {
	b := setup(t, func(c *Config, _ *Deps) {
		c.ReadHeaderTimeout, c.ReadTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	addr, _ := serving(t, b)
	got := raw(t, addr, head+"Content-Length: 50\r\n\r\nhel")
	if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "did not arrive in time") || !strings.Contains(got, "Connection: close") {
		t.Errorf("answer %q, want 408", got)
	}
	if got := raw(t, addr, "GET / HTTP/1.1\r\nHos"); strings.HasPrefix(got, "HTTP/1.1 2") {
		t.Errorf("half a header was answered: %q", got)
	}
}

// TestServeChunkedBomb stops reading a body without a length at the limit, also where it
// unpacks to nothing for ever.
func TestServeChunkedBomb(t *testing.T) {
	b := setup(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = 100 })
	addr, _ := serving(t, b)
	for header, body := range map[string]string{
		"":                           strings.Repeat("x", 200),
		"Content-Encoding: gzip\r\n": strings.Repeat(gzipped(t, ""), 20),
	} {
		chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		got := raw(t, addr, head+header+"Transfer-Encoding: chunked\r\n\r\n"+chunk)
		if !strings.HasPrefix(got, "HTTP/1.1 413 ") || !strings.Contains(got, "limit of 100 bytes") || !strings.Contains(got, "Connection: close") {
			t.Errorf("%sanswer %q, want 413", header, got)
		}
	}
}

func TestServePanic(t *testing.T) {
	b := setup(t, func(_ *Config, d *Deps) {
		d.Metrics = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "late" {
				_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			}
			panic("a bug")
		})
	})
	addr, _ := serving(t, b)
	got := raw(t, addr, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 500 ") || !strings.Contains(got, `{"error":"an error inside HAL9`) || strings.Contains(got, "a bug") {
		t.Errorf("answer %q, want 500 as JSON", got)
	}
	late := raw(t, addr, "GET /metrics?late HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if strings.HasSuffix(late, "0\r\n\r\n") {
		t.Error("half an answer looks whole")
	}
	if text := b.log.String(); !strings.Contains(text, "a bug") || !strings.Contains(text, "stack=") {
		t.Errorf("log %q", text)
	}
}

// TestKeepAlive shows that requests share a connection.
func TestKeepAlive(t *testing.T) {
	addr, _ := serving(t, setup(t))
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 {
		if _, err := io.WriteString(conn, head+"Content-Length: 2\r\n\r\nhi"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusAccepted {
			t.Errorf("status %d", res.StatusCode)
		}
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	b := setup(t)
	addr, stop := serving(t, b)
	awaitCount := func(want int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); b.Connections() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d connections, want %d", b.Connections(), want)
			}
		}
	}
	var open []net.Conn
	for range 3 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		open = append(open, conn)
	}
	awaitCount(3)
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	awaitCount(2)
	for _, conn := range open[1:] {
		_ = conn.Close()
	}
	awaitCount(0)
	if err := stop(); err != nil {
		t.Error(err)
	}
}
