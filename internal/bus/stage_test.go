package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// tally is a keyed layer whose answers show whether its state is right: the n-th signal of a
// key is told its n, and every third is handed up.
type tally struct {
	seen map[string]int
	fail func(*layers.Envelope) error
}

func (c *tally) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	if c.fail != nil {
		if err := c.fail(e); err != nil {
			return layers.Decision{}, err
		}
	}
	c.seen[e.Key]++
	n := c.seen[e.Key]
	e.Findings.Template = strconv.Itoa(n)
	if n%3 == 0 {
		return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "every third"}, nil
	}
	return layers.Decision{Disposition: layers.DispositionResolved, Reason: fmt.Sprint("number ", n)}, nil
}

func (c *tally) Snapshot() ([]byte, error) { return json.Marshal(c.seen) }

func (c *tally) Restore(data []byte) error { return json.Unmarshal(data, &c.seen) }

// counts is an Observer that counts.
type counts struct{ decided, final, dead, restarted atomic.Int64 }

func (c *counts) Decided(layers.Name, layers.Disposition, time.Duration, time.Duration) {
	c.decided.Add(1)
}
func (c *counts) Final(layers.Name, time.Duration) { c.final.Add(1) }
func (c *counts) Again(layers.Name)                {}
func (c *counts) Dead(layers.Name)                 { c.dead.Add(1) }
func (c *counts) Restarted(layers.Name)            { c.restarted.Add(1) }
func (c *counts) Checkpointed(layers.Name, int)    {}

// unreliable is a bus that breaks off in the middle of publishing, at random.
type unreliable struct {
	*bus.Bus
	random *rand.Rand
	every  int
	calls  atomic.Int64
	broken atomic.Int64
}

// feed feeds signals and waits until the stage publishes something, so that it does so many times.
func (u *unreliable) feed(t *testing.T, from, to int) {
	t.Helper()
	before := u.calls.Load()
	feed(t, u.Bus, from, to)
	for i := 0; u.calls.Load() == before && i < 2000; i++ {
		time.Sleep(time.Millisecond) // The stage works in the background.
	}
}

var errBroken = errors.New("broke off")

func (u *unreliable) Publish(ctx context.Context, list []pipeline.Record) error {
	u.calls.Add(1)
	if u.random.IntN(u.every) > 0 || len(list) == 0 {
		return u.Bus.Publish(ctx, list)
	}
	u.broken.Add(1)
	if err := u.Bus.Publish(ctx, list[:u.random.IntN(len(list)+1)]); err != nil {
		return err
	}
	return errBroken
}

type stageRun struct {
	bus      *bus.Bus
	broker   pipeline.Broker
	key      pipeline.StageKey
	cfg      pipeline.Config
	layer    func() (layers.Layer, error)
	decoder  pipeline.Decoder
	pressure pipeline.Pressure
	scouting pipeline.Scouting
	observed *counts
	now      func() time.Time
}

func newStageRun(b *bus.Bus) *stageRun {
	cfg := pipeline.DefaultConfig()
	cfg.RestartDelay = time.Millisecond
	cfg.RetryDelay = time.Millisecond
	cfg.CheckpointMessages = 50
	cfg.CheckpointEvery = 20 * time.Millisecond
	return &stageRun{
		bus: b, broker: b, key: pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}, cfg: cfg, observed: &counts{},
		layer:   func() (layers.Layer, error) { return &tally{seen: map[string]int{}}, nil },
		decoder: pipeline.Envelopes{}, now: time.Now,
	}
}

// start runs the stage until stop is called. It consumes when start returns: what is fed then comes in
// many bursts and not in a few large ones.
func (s *stageRun) start(t *testing.T) (stop func()) {
	t.Helper()
	runner, stop := s.launch(t)
	for range 1000 {
		if runner.Working() {
			return stop
		}
		time.Sleep(time.Millisecond) // The stage opens in the background.
	}
	stop()
	t.Fatal("the stage does not consume")
	return nil
}

func (s *stageRun) launch(t *testing.T) (runner *pipeline.Runner, stop func()) {
	t.Helper()
	checkpoints, err := s.bus.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leases, err := s.bus.Leases(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	runner, err = pipeline.NewRunner(pipeline.Spec{Key: s.key, NewLayer: s.layer, Decoder: s.decoder}, s.cfg, pipeline.Deps{
		Broker: s.broker, Checkpoints: checkpoints, Leases: leases, Observer: s.observed, Pressure: s.pressure, Scouting: s.scouting,
		Log: slog.New(slog.DiscardHandler), Now: s.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	return runner, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the stage did not stop cleanly: %v", err)
		}
	}
}

func feed(t *testing.T, b *bus.Bus, from, to int) {
	t.Helper()
	var list []pipeline.Record
	for i := from; i < to; i++ {
		e := &layers.Envelope{Signal: layers.Signal{
			ID: fmt.Sprint("s", i), Source: "test", Key: fmt.Sprint("k", i%7), Time: time.Unix(int64(i), 0).UTC(),
		}, ReceivedAt: time.Now()}
		data, err := pipeline.NewPack(e)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, pipeline.Record{Subject: "hal9.l3.0", ID: pipeline.SignalID(e.Source, e.ID), Data: data})
	}
	if err := b.Publish(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

// outcomes returns for each signal id how often it ended and with which number.
func outcomes(t *testing.T, b *bus.Bus, next string) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	err := b.Since(t.Context(), pipeline.StreamVerdicts, time.Time{}.Add(1), 1<<40, func(m *bus.Message) {
		var v layers.Verdict
		if err := json.Unmarshal(m.Data, &v); err != nil {
			t.Error(err)
		}
		got[v.SignalID] = append(got[v.SignalID], v.Template)
	})
	if err != nil {
		t.Fatal(err)
	}
	marks, ids := map[pipeline.Sender]pipeline.Position{}, map[string]bool{}
	err = b.Since(t.Context(), next, time.Time{}.Add(1), 1<<40, func(m *bus.Message) {
		err := pipeline.EachEnvelope(m.Data, func(e *layers.Envelope, from pipeline.Sender, at pipeline.Position) bool {
			// What the next layer leaves out: it takes places of one sender in their order only, and of L1 each id once.
			if from.Layer == layers.NameL1 && ids[e.ID] || from.Layer != layers.NameL1 && !at.After(marks[from]) {
				return true
			}
			marks[from], ids[e.ID] = at, true
			got[e.ID] = append(got[e.ID], e.Findings.Template)
			return true
		})
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func waitSettled(t *testing.T, b *bus.Bus, n int) map[string][]string {
	t.Helper()
	return waitSettledIn(t, b, n, "HAL9_L4")
}

// waitSettledIn waits until n signals have a verdict or stand in the stream of the next layer.
func waitSettledIn(t *testing.T, b *bus.Bus, n int, next string) map[string][]string {
	t.Helper()
	var got map[string][]string
	for range 1200 {
		if got = outcomes(t, b, next); len(got) >= n {
			return got
		}
		time.Sleep(50 * time.Millisecond) // The stage works in the background.
	}
	t.Fatalf("%d of %d signals settled", len(got), n)
	return nil
}

func wantEachOnceInOrder(t *testing.T, got map[string][]string, n int) {
	t.Helper()
	for i := range n {
		id, want := fmt.Sprint("s", i), strconv.Itoa(i/7+1)
		if len(got[id]) != 1 || got[id][0] != want {
			t.Fatalf("signal %s ended as %q, want once with number %s", id, got[id], want)
		}
	}
}

// TestStageSettlesEachSignalOnceWhateverBreaks breaks publishing off at random places and
// compares with what a stage without any trouble gives.
func TestStageSettlesEachSignalOnceWhateverBreaks(t *testing.T) {
	const n = 3000
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	flaky := &unreliable{Bus: b, random: rand.New(rand.NewPCG(1, 2)), every: 4}
	run.broker = flaky
	stop := run.start(t)
	for at := 0; at < n; at += 100 {
		flaky.feed(t, at, at+100)
	}
	got := waitSettled(t, b, n)
	stop()
	wantEachOnceInOrder(t, got, n)
	if flaky.broken.Load() < 3 {
		t.Errorf("publishing broke off %d times, want at least 3 for the test to mean anything", flaky.broken.Load())
	}
}

// forgetful is a broker without JetStream's window of duplicates: what remains is the ledger.
type forgetful struct {
	*unreliable
	life   atomic.Int64
	behind atomic.Int64 // reads by sequence
}

func (f *forgetful) Publish(ctx context.Context, list []pipeline.Record) error {
	anew := make([]pipeline.Record, len(list))
	copy(anew, list)
	life := f.life.Load()
	for i := range anew {
		if anew[i].ID == "" {
			continue // A pack has none.
		}
		anew[i].ID = fmt.Sprintf("%s~%d", anew[i].ID, life)
	}
	if err := f.unreliable.Publish(ctx, anew); err != nil {
		f.life.Add(1)
		return err
	}
	return nil
}

func (f *forgetful) Stored(
	ctx context.Context, layer layers.Name, behind pipeline.Ledger, since time.Time,
) (map[string]struct{}, pipeline.Ledger, error) {
	if behind != nil { // Sequences must do: no clock can be relied on.
		since = time.Now().Add(time.Hour)
		f.behind.Add(1)
	}
	ids, upTo, err := f.unreliable.Stored(ctx, layer, behind, since)
	plain := make(map[string]struct{}, len(ids))
	for id := range ids {
		if len(id) != 8 { // Raw identities of what L1 handed up have no life.
			id, _, _ = strings.Cut(id, "~")
		}
		plain[id] = struct{}{}
	}
	return plain, upTo, err
}

// TestLedgerAloneKeepsEachSignalOnce proves that a restart after any length of time, when
// JetStream remembers no ids any more, still stores nothing twice.
func TestLedgerAloneKeepsEachSignalOnce(t *testing.T) {
	const least, most = 2000, 20_000 // How often it breaks off, and where, depends on the machine.
	b, _ := provisioned(t, bus.DefaultTopology())
	run := newStageRun(b)
	broker := &forgetful{unreliable: &unreliable{Bus: b, random: rand.New(rand.NewPCG(3, 4)), every: 2}}
	run.broker = broker
	stop := run.start(t)
	n := 0
	for ; n < least || n < most && (broker.behind.Load() == 0 || broker.broken.Load() < 3); n += 100 {
		broker.feed(t, n, n+100)
		if n%500 == 400 { // What is read by sequence is what lies behind a checkpoint of a life that had caught up.
			waitSettled(t, b, n+100)
		}
	}
	got := waitSettled(t, b, n)
	stop()
	wantEachOnceInOrder(t, got, n)
	if broker.behind.Load() == 0 {
		t.Error("the ledger was never read by sequence")
	}
	if broker.broken.Load() < 3 {
		t.Errorf("publishing broke off %d times, want at least 3 for the test to mean anything", broker.broken.Load())
	}
}

func TestStageStopsAndGoesOnWhereItWas(t *testing.T) {
	const n = 1200
	b, _ := provisioned(t, bus.DefaultTopology())
	for at := 0; at < n; at += 100 {
		run := newStageRun(b)
		stop := run.start(t)
		feed(t, b, at, at+100)
		waitSettled(t, b, at+50)
		stop()
	}
	run := newStageRun(b)
	stop := run.start(t)
	got := waitSettled(t, b, n)
	stop()
	wantEachOnceInOrder(t, got, n)
}
