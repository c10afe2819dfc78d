package bench

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/natsserver"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

func TestUsers(t *testing.T) {
	for _, test := range []struct {
		users      Users
		must, goal string
	}{
		{Users{P50: time.Millisecond, P99: 49 * time.Millisecond, Requests: 1000}, "yes", "yes"},
		{Users{P50: time.Millisecond, P99: 49 * time.Millisecond, Requests: 1000, Errors: 9}, "yes", "NO"},
		{Users{P50: time.Millisecond, P99: 49 * time.Millisecond, Requests: 1000, Errors: 10}, "NO", "NO"},
		{Users{P50: time.Millisecond, P99: time.Second, Requests: 1000}, "NO", "NO"},
		{Users{}, "–", "–"},
	} {
		s := newSession(t)
		s.cfg.Users = func(context.Context) (Users, error) { return test.users, nil }
		g := single(spec{id: "users", unit: "ms"}, measureUsers)
		lines := g.lines(nil)
		s.measure(t.Context(), g, lines)
		row := lines[0].row
		if met(row.Must) != test.must || met(row.Goal) != test.goal {
			t.Errorf("%+v: must %s, goal %s: want %s and %s", test.users, met(row.Must), met(row.Goal), test.must, test.goal)
		}
	}
}

// TestAgreements has councils agree on three servers.
func TestAgreements(t *testing.T) {
	cfg := natsserver.DefaultConfig()
	cfg.DataDir = t.TempDir()
	a, err := agreeOn(t.Context(), cfg, keys{nodes: 3, warmUp: 1, n: 5}, slog.New(slog.DiscardHandler))
	if err != nil || a.create.p50 <= 0 || a.decided.p50 <= a.create.p50/10 || a.stored.p50 <= a.decided.p50 || a.spread.p50 <= 0 {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestTransport(t *testing.T) {
	s := newSession(t)
	rate, refused, err := s.carry(t.Context(), 64<<10, 4)
	if err != nil || refused != nil || rate <= 0 {
		t.Errorf("64 KiB: %v GB/s, refused: %v, %v", rate, refused, err)
	}
	if _, refused, err = s.carry(t.Context(), 2<<20, 4); err != nil || refused == nil {
		t.Errorf("2 MiB: refused: %v, %v: want it refused", refused, err)
	}
	if rate, err = s.bare(t.Context(), bare.PublishSubscribe, 64<<10, 100); err != nil || rate <= 0 {
		t.Errorf("publish and subscribe: %v GB/s, %v", rate, err)
	}
}

func TestProfile(t *testing.T) {
	p := Profile{CPU: filepath.Join(t.TempDir(), "cpu"), Memory: filepath.Join(t.TempDir(), "memory")}
	stop, err := p.Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.CPU, p.Memory} {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v: want a profile", path, err)
		}
	}
	if _, err := (Profile{CPU: filepath.Join(t.TempDir(), "absent", "cpu")}).Start(); err == nil {
		t.Error("a profile can be written to a folder that is not there")
	}
}
