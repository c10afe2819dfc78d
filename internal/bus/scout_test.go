package bus_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// lines decodes text lines "id" and "id critical", as L1's decoder does in the real program.
type lines struct{ passed atomic.Int64 }

func (l *lines) Decode(d *pipeline.Delivery) (*layers.Envelope, error) {
	id, severity, _ := strings.Cut(string(d.Data), " ")
	e := &layers.Envelope{Signal: layers.Signal{ID: id, Source: "test", Key: "k", Time: d.Stored}, Origin: d.Seq, ReceivedAt: d.Stored}
	if severity != "" {
		e.Severity = layers.SeverityCritical
	}
	return e, nil
}

func (l *lines) Name(d *pipeline.Delivery) (source, id string) { return "test", string(d.Data) }

func (l *lines) MaybeCritical(d *pipeline.Delivery) bool {
	if bytes.Contains(d.Data, []byte("critical")) {
		return true
	}
	l.passed.Add(1)
	return false
}

// behind is a Pressure that says what the test wants.
type behind struct{ l1 atomic.Int64 } // nanoseconds

func (b *behind) Report(pipeline.StageKey, time.Duration) {}
func (b *behind) Forget(pipeline.StageKey)                {}

func (b *behind) Behind(key pipeline.StageKey) time.Duration {
	if key.Layer == layers.NameL1 {
		return time.Duration(b.l1.Load())
	}
	return 0
}

// climbing hands everything up; with a gate it waits before each signal.
type climbing struct{ gate <-chan struct{} }

func (c climbing) Decide(ctx context.Context, _ *layers.Envelope) (layers.Decision, error) {
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return layers.Decision{}, ctx.Err()
		}
	}
	return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "up"}, nil
}

// TestScoutTakesCriticalSignalsPastTheQueue stops L1 at the head of a queue, has the scout set out, and lets L1
// go on later: each signal must have gone up once, the critical ones before L1 went on, whether they came late or stood in the queue already
// behind what L1 has in its hands.
func TestScoutTakesCriticalSignalsPastTheQueue(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	scouting, err := b.Scout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pressure := &behind{}
	gate := make(chan struct{})
	decoder := &lines{}
	run := func(key pipeline.StageKey, layer layers.Layer) (stop func()) {
		r := newStageRun(b)
		r.key, r.decoder, r.pressure, r.scouting = key, decoder, pressure, scouting
		r.cfg.DecideTime = time.Minute
		r.layer = func() (layers.Layer, error) { return layer, nil }
		return r.start(t)
	}
	stopL1 := run(pipeline.StageKey{Layer: layers.NameL1, Partitions: 1}, climbing{gate})
	const queued = 2000 // twice that waits where the range is to end: no flood
	publishLines(t, b, 0, queued)
	given := waitGiven(t, scouting)
	pressure.l1.Store(int64(time.Minute))
	stopScout := run(pipeline.ScoutKey(1), climbing{})
	r := waitRange(t, scouting, func(r pipeline.ScoutRange) bool { return r.From > 0 })
	if r.From <= given || r.From >= queued {
		t.Errorf("the range begins at %d: %d signals are stored, L1 was given %d", r.From, queued, given)
	}
	publishLines(t, b, queued, 2*queued)
	late := map[string]bool{}
	for i := int(r.From) - 1; i < 2*queued; i++ { // s0 is the first message.
		if i%10 == 0 {
			late[fmt.Sprint("s", i)] = true
		}
	}
	wantUp(t, b, late)
	stopScout() // It goes on where it was, in another life.
	stopScout = run(pipeline.ScoutKey(1), climbing{})
	pressure.l1.Store(0)
	waitRange(t, scouting, func(r pipeline.ScoutRange) bool { return r.To > 0 })
	close(gate)
	publishLines(t, b, 2*queued, 3*queued)
	all := map[string]bool{}
	for i := range 3 * queued {
		all[fmt.Sprint("s", i)] = true
	}
	wantUp(t, b, all)
	stopL1()
	stopScout()
	if decoder.passed.Load() == 0 {
		t.Error("the scout passed over nothing")
	}
}

// waitGiven returns up to which message L1 was given what it can hold.
func waitGiven(t *testing.T, scouting *bus.Scout) uint64 {
	t.Helper()
	var last pipeline.Ends
	for range 400 {
		ends, err := scouting.Ends(t.Context())
		if err == nil && ends.Given > 0 && ends == last {
			return ends.Given
		}
		last = ends
		time.Sleep(20 * time.Millisecond) // L1 asks in the background.
	}
	t.Fatalf("L1 stands at %+v", last)
	return 0
}

// TestRangeIsSetByWhoKnowsTheLast has two processes set ranges: who does not know the other's must not replace it.
func TestRangeIsSetByWhoKnowsTheLast(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	scout := func() *bus.Scout {
		s, err := b.Scout(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two := scout(), scout()
	first, err := one.SetRange(t.Context(), pipeline.ScoutRange{From: 7})
	if err != nil || first.From != 7 || first.Revision == 0 {
		t.Fatalf("the first range is %+v, %v", first, err)
	}
	if r, err := two.SetRange(t.Context(), pipeline.ScoutRange{From: 9}); err == nil {
		t.Errorf("%+v was set over %+v, which that process does not know", r, first)
	}
	if r, err := two.Range(t.Context()); err != nil || r != first {
		t.Errorf("the range is %+v, %v, want %+v", r, err, first)
	}
	if owns, err := two.Owns(t.Context(), 7); err != nil || !owns {
		t.Errorf("the scout owns what lies in its range: %t, %v", owns, err)
	}
	second, err := two.SetRange(t.Context(), pipeline.ScoutRange{From: 7, To: 20, Revision: first.Revision})
	if err != nil || second.To != 20 {
		t.Errorf("the second range is %+v, %v", second, err)
	}
	if r, err := one.SetRange(t.Context(), first); err == nil {
		t.Errorf("%+v was set over %+v", r, second)
	}
}

func publishLines(t *testing.T, b *bus.Bus, from, to int) {
	t.Helper()
	var list []pipeline.Record
	for i := from; i < to; i++ {
		text := fmt.Sprint("s", i)
		if i%10 == 0 {
			text += " critical"
		}
		list = append(list, pipeline.Record{Subject: "hal9.signals.test", Data: []byte(text)})
	}
	if err := b.Publish(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func waitRange(t *testing.T, scouting *bus.Scout, want func(pipeline.ScoutRange) bool) pipeline.ScoutRange {
	t.Helper()
	var r pipeline.ScoutRange
	for range 400 {
		var err error
		if r, err = scouting.Range(t.Context()); err == nil && want(r) {
			return r
		}
		time.Sleep(20 * time.Millisecond) // The scout looks around ten times a second.
	}
	t.Fatalf("the range is %+v", r)
	return r
}

// wantUp waits until exactly these signals stand in the streams of L2, each once.
func wantUp(t *testing.T, b *bus.Bus, want map[string]bool) {
	t.Helper()
	var got map[string]int
	for range 400 {
		got = map[string]int{}
		for _, stream := range []string{"HAL9_L2", "HAL9_L2_CRITICAL"} {
			err := b.Since(t.Context(), stream, time.Time{}.Add(1), 1<<40, func(m *bus.Message) {
				err := pipeline.EachEnvelope(m.Data, func(e *layers.Envelope, _ pipeline.Sender, _ pipeline.Position) bool {
					got[e.ID]++
					return true
				})
				if err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(got) >= len(want) {
			break
		}
		time.Sleep(20 * time.Millisecond) // The stages work in the background.
	}
	for id := range want {
		if got[id] != 1 {
			t.Errorf("signal %s went up %d times", id, got[id])
		}
	}
	for id := range got {
		if !want[id] {
			t.Errorf("signal %s went up before its turn", id)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}
