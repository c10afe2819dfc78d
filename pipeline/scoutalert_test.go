package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

// spoken decodes "alert critical", "alert info" and the like.
type spoken struct{ plainText }

func (s spoken) Decode(d *Delivery) (*layers.Envelope, error) {
	e, err := s.plainText.Decode(d)
	if strings.HasSuffix(e.Text, "critical") {
		e.Severity = layers.SeverityCritical
	}
	return e, err
}

func (spoken) MaybeCritical(d *Delivery) bool { return strings.HasSuffix(string(d.Data), "critical") }

// witness hands everything up and remembers what it was shown beside.
type witness struct{ begun, seen, passed []string }

func (w *witness) Decide(context.Context, *layers.Envelope) (layers.Decision, error) {
	return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "up"}, nil
}

func (w *witness) Begin() { w.begun = append(w.begun, "") }

func (w *witness) Sees(e *layers.Envelope) bool {
	w.seen = append(w.seen, e.Text)
	return strings.HasPrefix(e.Text, "alert")
}

func (w *witness) Passes(e *layers.Envelope) { w.passed = append(w.passed, e.Text) }

// TestScoutSeesWhatMayEndItsAlerts sends what is not critical by a subject before and after a critical alert came by it, and by another.
func TestScoutSeesWhatMayEndItsAlerts(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.reach = ScoutRange{From: 1, To: 90}
	layer, worker := &witness{}, f.worker.(*layerWorker)
	worker.layer, worker.decoder, worker.near = layer, spoken{}, map[string]struct{}{}
	for i, m := range []struct{ subject, text string }{
		{"a", "alert 1 info"},
		{"b", "line 2 critical"},
		{"b", "line 3 info"},
		{"a", "alert 4 critical"},
		{"b", "alert 5 info"},
		{"a", "alert 6 info"},
	} {
		if err := f.take(t.Context(), &Delivery{Seq: uint64(i) + 1, Attempt: 1, Subject: m.subject, Data: []byte(m.text)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.take(t.Context(), &Delivery{Seq: 91, Attempt: 1, Subject: "a", Data: []byte("alert 7 info")}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"line 2 critical", "alert 4 critical", "alert 6 info"}; !slices.Equal(layer.seen, want) || f.out.critical().pack.signals != 2 {
		t.Errorf("it saw %q and handed up %d, want %q and 2", layer.seen, f.out.critical().pack.signals, want)
	}
}

// TestL1TakesInWhatTheScoutAnswersFor gives L1 a range in its turn.
func TestL1TakesInWhatTheScoutAnswersFor(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	f.deps.Scouting = owning{from: 2}
	layer, worker := &witness{}, f.worker.(*layerWorker)
	worker.deps, worker.layer, worker.decoder = f.deps, layer, spoken{}
	for i, text := range []string{"alert 1 critical", "alert 2 critical", "alert 3 info"} {
		if err := f.take(t.Context(), &Delivery{Seq: uint64(i) + 1, Attempt: 1, Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(layer.passed, []string{"alert 2 critical"}) || f.out.signals != 2 {
		t.Errorf("it took in %q and decided %d, want the second and 2", layer.passed, f.out.signals)
	}
}

// owning has the scout answer for what is critical from a message on.
type owning struct {
	Scouting

	from uint64
}

func (o owning) Owns(_ context.Context, seq uint64) (bool, error) { return seq >= o.from, nil }

// TestScoutLeavesOutWhatIsStored has a scout go on in another life, which knows less of what climbed and decides otherwise.
func TestScoutLeavesOutWhatIsStored(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.reach = ScoutRange{From: 1}
	worker := f.worker.(*layerWorker)
	worker.layer, worker.decoder, worker.near = &witness{}, spoken{}, map[string]struct{}{}
	who := identityOf("test", "s2")
	f.replay = replay{horizon: 9, stored: map[string]struct{}{SignalID("test", "s1"): {}, string(who[:idBytes]): {}}}
	for i, text := range []string{"1 critical", "2 critical", "3 critical"} {
		if err := f.take(t.Context(), &Delivery{Seq: uint64(i) + 1, Attempt: 1, Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.out.critical().pack.signals; n != 1 {
		t.Errorf("%d of three signals are handed up, of which two have been handled before", n)
	}
}
