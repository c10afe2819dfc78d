package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDeafSubscribersHoldNobodyUp has a NATS client that subscribes to all verdicts and never reads, and a webhook that never
// answers: everything is answered all the same, and NATS cuts the client off.
func TestDeafSubscribersHoldNobodyUp(t *testing.T) {
	release := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hook.Close()
	defer close(release)
	file := filepath.Join(t.TempDir(), "hal9.yaml")
	if err := os.WriteFile(file, []byte("sinks:\n  - {name: deaf, on: verdicts, webhook: \""+hook.URL+"\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := up(t, t.TempDir(), "--config", file)
	deaf := subscribeDeaf(t, p.NATS)
	_, js := dial(t, p.NATS)
	const n = 40_000
	log := newFloodLog(n)
	if sent := pour(t.Context(), t, p.NATS, n, log); sent != n {
		t.Fatalf("%d of %d signals were acknowledged", sent, n)
	}
	awaitAnswers(t, js, n, time.Minute)
	log.read(t, js)
	for number, at := range log.answered {
		if at == 0 {
			t.Fatalf("signal f%d has no verdict", number)
		}
	}
	if log.twice > 0 || log.unasked > 0 {
		t.Errorf("%d second verdicts, %d about something else", log.twice, log.unasked)
	}
	wantWell(t, p)
	if memory := highWater(t, p.PID()); memory > memoryBound {
		t.Errorf("hal9 up took %d MiB, the bound is %d MiB", memory>>20, memoryBound>>20)
	}
	// NATS gives a client 10 s to take what is under way to it, then closes: what it held for it is gone.
	got, err := waitClosed(deaf)
	if err != nil {
		t.Errorf("the client that never read was not cut off: %v", err)
	}
	t.Logf("the client was cut off with %d KiB of verdicts for it in the system's buffers", got>>10)
	p.stop(t)
}

// subscribeDeaf speaks NATS by hand, as far as a subscription needs it.
func subscribeDeaf(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprint(conn, "CONNECT {\"verbose\":false}\r\nSUB hal9.verdicts.> 1\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// waitClosed lets the server's time for the client pass, then reads what is in the buffers up to the end.
func waitClosed(conn net.Conn) (int64, error) {
	time.Sleep(12 * time.Second) // The server closes after 10 s; who reads before then is not deaf.
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // It is the connection's own error.
		return n, err
	}
	return n, nil // The end, or a reset.
}
