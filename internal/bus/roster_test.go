package bus_test

import (
	"context"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestRosterCountsWhoLives follows processes that come, crash and leave.
func TestRosterCountsWhoLives(t *testing.T) {
	c := newCrew(t, 12)
	crew := []*mate{c.join(t, "p0"), c.join(t, "p1"), c.join(t, "p2")}
	c.balanced(t, crew...)
	roster := connect(t, c.server).Roster()
	if _, ok := roster.Of(layers.NameL3, 12); ok {
		t.Error("a roster that has read nothing knows")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); roster.Run(ctx) }()
	defer func() { stop(); <-done }()
	shows := func(layer layers.Name, want bus.Staff) {
		t.Helper()
		until(t, "the roster is right", func() bool {
			staff, ok := roster.Of(layer, 12)
			return ok && staff == want
		})
	}
	shows(layers.NameL3, bus.Staff{Processes: 3, Owned: 12})
	shows(layers.NameL4, bus.Staff{})
	crew[1].crash()
	shows(layers.NameL3, bus.Staff{Processes: 2, Owned: 12})
	crew[0].leave()
	crew[2].leave()
	shows(layers.NameL3, bus.Staff{})
}

// TestOneIsTheEldest: of those who live, at any time, whoever it is.
func TestOneIsTheEldest(t *testing.T) {
	c := newCrew(t, 6)
	crew := []*mate{c.join(t, "p0"), c.join(t, "p1"), c.join(t, "p2")}
	c.balanced(t, crew...)
	for len(crew) > 0 {
		var eldest *mate
		until(t, "one is the eldest", func() bool {
			eldest = nil
			for _, m := range crew {
				if m.leases.Eldest(layers.NameL4) {
					t.Fatal("somebody is the eldest where nobody is")
				}
				if m.leases.Eldest(layers.NameL3) {
					if eldest != nil {
						t.Fatalf("%s and %s are the eldest", eldest.name, m.name)
					}
					eldest = m
				}
			}
			return eldest != nil
		})
		if len(crew) == 3 {
			eldest.crash()
		} else {
			eldest.leave()
		}
		until(t, "who is gone is not the eldest", func() bool { return !eldest.leases.Eldest(layers.NameL3) })
		crew = slices.DeleteFunc(crew, func(m *mate) bool { return m == eldest })
	}
}

func TestKeptCountsBySubject(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	var records []pipeline.Record
	for i, d := range []layers.Disposition{layers.DispositionResolved, layers.DispositionResolved, layers.DispositionDead} {
		records = append(records, pipeline.Record{
			Subject: pipeline.SubjectOfVerdict(layers.NameL1, d), ID: string(rune('a' + i)), Data: []byte("{}"),
		})
	}
	if err := b.Publish(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	kept, err := b.Kept(t.Context(), pipeline.StreamVerdicts, pipeline.SubjectVerdicts)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.Counts) != 2 || kept.Counts["L1.resolved"] != 2 || kept.Counts["L1.dead"] != 1 || kept.Dropped {
		t.Errorf("kept %+v", kept)
	}
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), pipeline.StreamVerdicts)
	if err == nil {
		err = stream.Purge(t.Context(), jetstream.WithPurgeSequence(2))
	}
	if err != nil {
		t.Fatal(err)
	}
	if kept, err = b.Kept(t.Context(), pipeline.StreamVerdicts, pipeline.SubjectVerdicts); err != nil || !kept.Dropped || kept.Counts["L1.resolved"] != 1 {
		t.Errorf("the oldest is gone: %+v, %v", kept, err)
	}
	if n, err := b.StoreBytes(t.Context()); err != nil || n == 0 {
		t.Errorf("store %d: %v", n, err)
	}
}
