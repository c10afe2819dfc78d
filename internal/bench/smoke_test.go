package bench

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/layers"
)

// TestMain looks for goroutines that the rigs leave. Those of nats.go end some time after their connection.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

func newSession(t *testing.T) *session {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Rounds, cfg.Quick, cfg.Log = 1, true, slog.New(slog.DiscardHandler)
	return &session{cfg: cfg, dir: t.TempDir()}
}

// contenders lists one of each kind.
func contenders() map[string]contender {
	return map[string]contender{
		"bare loop":    loop(bare.Variants()[0], bare.Hops),
		"passing":      passing(plain),
		"criticals":    whole(layers.NameL5, critical),
		"default, mix": whole(0, mixed),
	}
}

// TestSustain has every kind of contender carry signals: sustain itself fails unless each came out once.
func TestSustain(t *testing.T) {
	for name, c := range contenders() {
		t.Run(name, func(t *testing.T) {
			r := start(t, c)
			p, err := r.sustain(t.Context(), 20, 200)
			if err != nil {
				t.Fatal(err)
			}
			if p.rate <= 0 || p.mallocs <= 0 {
				t.Errorf("it measured %+v", p)
			}
			if count, err := r.client.Count(t.Context(), r.out); err != nil || count != 220 {
				t.Errorf("%d results are stored, %v: want 220", count, err)
			}
		})
	}
}

func TestPropagate(t *testing.T) {
	for name, c := range contenders() {
		if name == "default, mix" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			l, err := start(t, c).propagateIdle(t.Context(), 5, 30)
			if err != nil || l.p50 <= 0 || l.p99 < l.p50 {
				t.Errorf("one at a time: %v, %v", l, err)
			}
			l, err = start(t, c).propagateSteady(t.Context(), 5, 60)
			if err != nil || l.p50 <= 0 || l.p99 < l.p50 {
				t.Errorf("at a steady rate: %v, %v", l, err)
			}
		})
	}
}

func start(t *testing.T, c contender) *rig {
	t.Helper()
	r, err := newSession(t).start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestLossIsNoticed has contenders that lose, double or end: none of them may give a figure.
func TestLossIsNoticed(t *testing.T) {
	broken := errors.New("it broke")
	for name, test := range map[string]struct {
		change func(r *rig)
		want   string
	}{
		"doubled":  {func(r *rig) { r.number = func([]byte) (int, error) { return 0, nil } }, "twice"},
		"unread":   {func(r *rig) { r.number = func([]byte) (int, error) { return 0, broken } }, "it broke"},
		"strange":  {func(r *rig) { r.number = func([]byte) (int, error) { return 1000, nil } }, "never sent"},
		"unstored": {func(r *rig) { r.in = "bare.nobody" }, "no response from stream"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, loop(bare.Variants()[0], bare.Hops))
			test.change(r)
			_, err := r.sustain(t.Context(), 0, 50)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v: want an error that says %q", err, test.want)
			}
		})
	}
}

// TestEndIsNoticed has the contender end by itself while results are waited for.
func TestEndIsNoticed(t *testing.T) {
	broken := errors.New("it broke")
	ends := contender{"ends", plain, func(ctx context.Context, s *session, r *rig) error {
		if err := loop(bare.Variants()[0], bare.Hops).start(ctx, s, r); err != nil {
			return err
		}
		r.runOn(ctx, func(context.Context) error { return broken })
		return nil
	}}
	s := newSession(t)
	_, err := attempt(t.Context(), s, ends, func(ctx context.Context, r *rig) (latency, error) { return latency{}, r.await(ctx, 1) })
	if !errors.Is(err, errStopped) || !errors.Is(err, broken) {
		t.Errorf("got %v: want that it stopped by itself because it broke", err)
	}
	// The row says so, and the others of its group have their figures.
	g := group{
		[]spec{{id: "broken", unit: "ms", hal9: ends, judge: judgeIdle}, {id: "sound", unit: "ms", hal9: passing(plain), judge: judgeIdle}},
		func(ctx context.Context, s *session, lines []line) error {
			s.propagation(ctx, lines, func(l latency) time.Duration { return l.p50 },
				func(ctx context.Context, r *rig) (latency, error) { return r.propagateIdle(ctx, 1, 10) })
			return nil
		},
	}
	lines := g.lines(nil)
	s.measure(t.Context(), g, lines)
	if row := lines[0].row; row.Value != nil || row.Must != nil || !strings.Contains(row.Note, "it broke") {
		t.Errorf("the broken row is %+v", row)
	}
	if row := lines[1].row; row.Value == nil || row.Yardstick == nil || row.Ratio == nil || row.Must == nil || row.Rounds != 1 {
		t.Errorf("the sound row is %+v", row)
	}
}

func TestChecklist(t *testing.T) {
	c := newChecklist(3)
	c.tick(2, nil)
	c.tick(0, nil)
	if err := c.result(); err == nil || !strings.Contains(err.Error(), "1 of 3 signals are missing") {
		t.Errorf("got %v: want that one is missing", err)
	}
	c.tick(1, nil)
	if err := c.result(); err != nil {
		t.Errorf("all are there, and yet: %v", err)
	}
	c.tick(1, nil)
	if err := c.result(); err == nil || !strings.Contains(err.Error(), "signal 1 came out twice") {
		t.Errorf("got %v: want that one came twice", err)
	}
}

// TestRun runs rows that take no time as a whole.
func TestRun(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Rows, cfg.Rounds, cfg.Quick, cfg.Dir = []string{"users", "neurons", "cache", "layer"}, 1, true, t.TempDir()
	var progress bytes.Buffer
	cfg.Progress = &progress
	table, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, row := range table.Rows {
		ids = append(ids, row.ID)
		if row.Value != nil && (*row.Value <= 0 || row.Rounds != 1) {
			t.Errorf("row %s: %v in %d rounds", row.ID, *row.Value, row.Rounds)
		}
	}
	if got, want := strings.Join(ids, " "), "layer neurons cache users"; got != want {
		t.Errorf("the rows are %q: want %q, in the table's order", got, want)
	}
	if layer := table.Rows[0]; layer.Must == nil || layer.Goal == nil || layer.P99 == nil || *layer.P99 < *layer.P50 {
		t.Errorf("the layers' row is %+v", layer)
	}
	if neurons := table.Rows[1]; neurons.Yardstick == nil || neurons.Value == nil || *neurons.Value <= 0 || neurons.Must == nil || !*neurons.Must {
		t.Errorf("the neurons' row is %+v: want a value beside its yardstick", neurons)
	}
	if users := table.Rows[3]; users.Value != nil || users.Must != nil || !strings.Contains(users.Note, "hal9 load") {
		t.Errorf("the users' row is %+v: want that it says what to run", users)
	}
	if !strings.Contains(table.Machine, "cores") || !strings.Contains(progress.String(), "layer, round 1 of 1, L5") {
		t.Errorf("machine %q, progress:\n%s", table.Machine, progress.String())
	}
	if left, err := os.ReadDir(cfg.Dir); err != nil || len(left) > 0 {
		t.Errorf("the run leaves %v, %v", left, err)
	}
}

func TestRunRefuses(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Rows, cfg.Rounds = []string{"speed"}, 0
	if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), `"speed"`) || !strings.Contains(err.Error(), "rounds") {
		t.Errorf("got %v: want both problems", err)
	}
	cfg = DefaultConfig()
	cfg.Dir = filepath.Join(t.TempDir(), "absent")
	if _, err := Run(t.Context(), cfg); err == nil {
		t.Error("it runs in a folder that is not there")
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	cfg.Dir, cfg.Rows = t.TempDir(), []string{"throughput"}
	if _, err := Run(stopped, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v: want that it was stopped", err)
	}
}
