package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// letters returns the reasons of the dead letters by signal id.
func letters(t *testing.T, b *bus.Bus) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := b.Since(t.Context(), pipeline.StreamDead, time.Time{}.Add(1), 1<<20, func(m *bus.Message) {
		got[m.Header[pipeline.HeaderSignalID][0]] += m.Header[pipeline.HeaderAttempts][0] + " " + m.Header[pipeline.HeaderError][0]
		e, err := pipeline.Envelopes{}.Decode(&pipeline.Delivery{Data: m.Data})
		if err != nil || e.ID != m.Header[pipeline.HeaderSignalID][0] {
			t.Errorf("the letter on %s does not hold its signal: %v", m.Header[pipeline.HeaderSignalID][0], err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantOnlyLetter(t *testing.T, b *bus.Bus, id, reason string) {
	t.Helper()
	if got := letters(t, b); len(got) != 1 || got[id] != reason {
		t.Errorf("dead letters %v, want one on %s: %s", got, id, reason)
	}
}

// TestSignalThatTakesTooLongBecomesADeadLetter has a layer that waits for its context.
func TestSignalThatTakesTooLongBecomesADeadLetter(t *testing.T) {
	const n = 50
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	run.cfg.DecideTime = 500 * time.Millisecond
	run.layer = func() (layers.Layer, error) { return waiting{&tally{seen: map[string]int{}}}, nil }
	stop := run.start(t)
	feed(t, b, 0, n)
	got := waitSettled(t, b, n)
	stop()
	wantEachOnceInOrderBut(t, got, n, "s5")
	wantOnlyLetter(t, b, "s5", "3 pipeline: layer L3 did not decide within 500ms")
	if restarted := run.observed.restarted.Load(); restarted > 0 {
		t.Errorf("the stage started again %d times: a layer that obeys must not cost its neighbours that", restarted)
	}
}

// waiting decides s5 never, but ends with its context.
type waiting struct{ *tally }

func (w waiting) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	if e.ID == "s5" {
		<-ctx.Done()
		return layers.Decision{}, ctx.Err()
	}
	return w.tally.Decide(ctx, e)
}

// TestSignalThatHangsBecomesADeadLetter has a layer that does not listen: its goroutine is left behind.
func TestSignalThatHangsBecomesADeadLetter(t *testing.T) {
	const n = 50
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	run.cfg.DecideTime = 20 * time.Millisecond
	release := make(chan struct{})
	run.layer = func() (layers.Layer, error) {
		return &tally{seen: map[string]int{}, fail: func(e *layers.Envelope) error {
			if e.ID == "s5" {
				<-release
			}
			return nil
		}}, nil
	}
	stop := run.start(t)
	feed(t, b, 0, n)
	waitSettled(t, b, n)
	close(release) // Whoever was left behind goes on now, and must store nothing.
	feed(t, b, n, n+20)
	got := waitSettled(t, b, n+20)
	stop()
	wantEachOnceInOrderBut(t, got, n+20, "s5")
	wantOnlyLetter(t, b, "s5", "3 pipeline: the process hung or did not survive when it decided this signal, 3 times")
}

// wantEachOnceInOrderBut is wantEachOnceInOrder where one signal changed no state.
func wantEachOnceInOrderBut(t *testing.T, got map[string][]string, n int, but string) {
	t.Helper()
	counts := map[int]int{}
	for i := range n {
		id := fmt.Sprint("s", i)
		if len(got[id]) != 1 {
			t.Fatalf("signal %s ended %d times: %q", id, len(got[id]), got[id])
		}
		if id == but {
			continue
		}
		counts[i%7]++
		if got[id][0] != strconv.Itoa(counts[i%7]) {
			t.Fatalf("signal %s has number %s, want %d", id, got[id][0], counts[i%7])
		}
	}
}

// TestSignalThatKillsTheProcessBecomesADeadLetter runs the stage in processes that die of one signal.
func TestSignalThatKillsTheProcessBecomesADeadLetter(t *testing.T) {
	const n = 50
	for _, key := range []pipeline.StageKey{{Layer: layers.NameL3, Partitions: 1}, {Layer: layers.NameL1, Partitions: 1}} {
		t.Run(key.Name(), func(t *testing.T) {
			b, server := provisioned(t, bus.DefaultTopology())
			if key.Shared() {
				feedRaw(t, b, n)
			} else {
				feed(t, b, 0, n)
			}
			for lives := 1; ; lives++ {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDyingProcess$")
				cmd.Env = append(os.Environ(), "HAL9_TEST_DIES="+server.ClientURL()+" "+key.Layer.String())
				out, err := cmd.CombinedOutput()
				if err == nil {
					t.Logf("%d lives", lives)
					break
				}
				if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 || lives > 16 {
					t.Fatalf("life %d ended with %v\n%s", lives, err, out)
				}
			}
			next := pipeline.StreamOf(key.Layer+1, 0, 1)
			got := outcomes(t, b, next)
			for i := range n {
				if id := fmt.Sprint("s", i); len(got[id]) != 1 {
					t.Errorf("signal %s ended %d times", id, len(got[id]))
				}
			}
			wantOnlyLetter(t, b, "s5", "3 pipeline: the process hung or did not survive when it decided this signal, 3 times")
		})
	}
}

func feedRaw(t *testing.T, b *bus.Bus, n int) {
	t.Helper()
	for i := range n {
		data, err := pipeline.NewPack(&layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint("s", i), Source: "test", Key: "k"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.signals.test", Data: data}}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDyingProcess is the process that the test above starts.
func TestDyingProcess(t *testing.T) {
	var url, layer string
	if _, err := fmt.Sscan(os.Getenv("HAL9_TEST_DIES"), &url, &layer); err != nil {
		t.Skip("only as a child of another test")
	}
	cfg := bus.DefaultConfig()
	cfg.URL = url
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := leasesCleared(t, b); err != nil {
		t.Fatal(err)
	}
	run := newStageRun(b)
	if layer == "L1" {
		run.key.Layer = layers.NameL1
	}
	run.layer = func() (layers.Layer, error) {
		return &tally{seen: map[string]int{}, fail: func(e *layers.Envelope) error {
			if e.ID == "s5" {
				os.Exit(3)
			}
			return nil
		}}, nil
	}
	stop := run.start(t)
	waitSettledIn(t, b, 50, pipeline.StreamOf(run.key.Layer+1, 0, 1))
	stop()
}

func leasesCleared(t *testing.T, b *bus.Bus) error {
	t.Helper()
	leases, err := b.Leases(t.Context(), "test")
	if err != nil {
		return err
	}
	return leases.Clear(t.Context())
}
