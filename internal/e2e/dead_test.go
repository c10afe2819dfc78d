package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestRedriveIsOnceWhateverIsKilled kills redrives, and once the server under one, at random moments. Each
// letter that counts as redriven must have led to exactly one more verdict, and none else.
func TestRedriveIsOnceWhateverIsKilled(t *testing.T) {
	const n = 2000
	data := t.TempDir()
	p := up(t, data)
	port := portOf(t, p.NATS)
	_, js := dial(t, p.NATS)
	var first []jetstream.PubAckFuture
	for i := range n {
		future, err := js.PublishAsync("hal9.signals.shop", fmt.Appendf(nil, `{"broken":%d`, i))
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, future)
	}
	for _, future := range first {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			t.Fatal(err)
		}
	}
	waitVerdicts(t, js, n)
	random := rand.New(rand.NewPCG(11, 12))
	for round := range 4 {
		killed := redriving(t, p.NATS)
		time.Sleep(time.Duration(100+random.IntN(700)) * time.Millisecond) // Killed anywhere in its work.
		if round == 2 {
			p.kill()
			p = up(t, data, "--nats-port", port)
			time.Sleep(500 * time.Millisecond) // It goes on by itself, for a while.
		}
		_ = killed.Process.Kill()
		_ = killed.Wait()
	}
	runs(t, "dead", "redrive", "--all", "--rate", "0", "--nats", p.NATS)
	redriven := redrivenLetters(t, p.NATS)
	if len(redriven) < n {
		t.Errorf("%d letters are redriven, want at least %d", len(redriven), n)
	}
	got := waitVerdicts(t, js, n+len(redriven))
	for id, list := range got {
		if len(list) != 1 {
			t.Errorf("signal %s has %d verdicts", id, len(list))
		}
		_, number, again := strings.Cut(id, "~redrive-")
		if again && !redriven[number] {
			t.Errorf("signal %s has a verdict, but its letter does not count as redriven", id)
		}
	}
	if len(got) != n+len(redriven) {
		t.Errorf("%d verdicts, want %d", len(got), n+len(redriven))
	}
	p.stop(t)
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// waitVerdicts waits for so many verdicts.
func waitVerdicts(t *testing.T, js jetstream.JetStream, n int) (got map[string][]verdict) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = verdicts(t, js); len(got) >= n {
			break
		}
	}
	return got
}

// redriving starts a redrive of all letters.
func redriving(t *testing.T, nats string) *exec.Cmd {
	t.Helper()
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "dead", "redrive", "--all", "--rate", "5000", "--nats", nats)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// redrivenLetters returns the numbers of the letters that count as redriven.
func redrivenLetters(t *testing.T, nats string) map[string]bool {
	t.Helper()
	redriven := map[string]bool{}
	for line := range strings.Lines(runs(t, "dead", "ls", "--redriven", "--json", "--nats", nats)) {
		var letter struct {
			Seq      uint64 `json:"seq"`
			Redriven bool   `json:"redriven"`
		}
		if err := json.Unmarshal([]byte(line), &letter); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if letter.Redriven {
			redriven[strconv.FormatUint(letter.Seq, 10)] = true
		}
	}
	return redriven
}
