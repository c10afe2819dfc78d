package outcome

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

const partitions = 3

func connect(t *testing.T) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	topology := bus.DefaultTopology()
	topology.Partitions = partitions
	if err := b.Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	return b
}

func announce(t *testing.T, b *bus.Bus, subject string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), []pipeline.Record{{Subject: subject, Data: data}}); err != nil {
		t.Fatal(err)
	}
}

// notes returns the outcomes that stand in L4's streams so far, and fails for one in the wrong partition.
func notes(t *testing.T, b *bus.Bus) []tactical.Outcome {
	t.Helper()
	var all []tactical.Outcome
	for p := range partitions {
		stream := pipeline.StreamOf(layers.NameL4, p, partitions)
		err := b.Walk(t.Context(), bus.Window{Stream: stream}, func(m *bus.Message) bool {
			var n layers.Note
			var o tactical.Outcome
			if err := errors.Join(json.Unmarshal(m.Data, &n), json.Unmarshal(n.Data, &o)); err != nil || n.Kind != tactical.NoteOutcome {
				t.Errorf("%s is no note on an outcome (%v)", m.Data, err)
			}
			if p != pipeline.PartitionMemory {
				t.Errorf("the outcome of %s is told to partition %d, want %d", o.SituationID, p, pipeline.PartitionMemory)
			}
			all = append(all, o)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b tactical.Outcome) int {
		return strings.Compare(a.SituationID, b.SituationID)
	})
	return all
}

// TestWhatBecameOfSituationsIsTold runs two tellers, as two processes do, of which one ends and comes again.
func TestWhatBecameOfSituationsIsTold(t *testing.T) {
	b := connect(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { New(b, slog.New(slog.DiscardHandler), time.Now).Run(ctx) })
		return func() { cancel(); running.Wait() }
	}
	defer run()()
	stop := run()
	const situations = pipeline.SubjectSituations + "."
	announce(t, b, situations+"opened", layers.Situation{ID: "a", Event: layers.SituationOpened, OpenedAt: at})
	announce(t, b, situations+"closed", layers.Situation{ID: "a", Event: layers.SituationClosed, OpenedAt: at, ClosedAt: at.Add(12 * time.Minute)})
	announce(t, b, situations+"closed", "rubbish")
	stop()
	stop = run()
	defer func() { stop() }()
	announce(t, b, situations+"closed", layers.Situation{ID: "b", Event: layers.SituationClosed, OpenedAt: at, ClosedAt: at.Add(time.Second)})
	want := []tactical.Outcome{
		{SituationID: "a", Closed: true, Open: 720},
		{SituationID: "b", Closed: true, Open: 1},
	}
	for range 200 {
		if len(notes(t, b)) >= len(want) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if diff := cmp.Diff(want, notes(t, b)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestSay(t *testing.T) {
	b := connect(t)
	announce(t, b, pipeline.SubjectSituations+".opened", layers.Situation{ID: "sit-1", Event: layers.SituationOpened, Title: "disk full"})
	teller := New(b, slog.New(slog.DiscardHandler), func() time.Time { return time.UnixMilli(77) })
	s, err := teller.Say(t.Context(), "sit-1", tactical.WordHelped, "logs")
	if err != nil || s.Title != "disk full" {
		t.Fatalf("%+v, %v", s, err)
	}
	if diff := cmp.Diff([]tactical.Outcome{{SituationID: "sit-1", Word: tactical.WordHelped, Text: "logs", At: 77}}, notes(t, b)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if _, err := teller.Say(t.Context(), "sit-2", tactical.WordHelped, ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown situation: %v", err)
	}
	if _, err := teller.Say(t.Context(), "sit-1", tactical.WordHelped, string(make([]byte, maxText+1))); err == nil {
		t.Error("a note without bound was taken")
	}
}
