package bustest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

var keyL3 = pipeline.StageKey{Layer: layers.NameL3, Partitions: 1}

// numbers returns records for L3 that hold the numbers from..to-1.
func numbers(from, to int) []pipeline.Record {
	var list []pipeline.Record
	for i := from; i < to; i++ {
		text := strconv.Itoa(i)
		list = append(list, pipeline.Record{Subject: pipeline.SubjectOf(layers.NameL3, 0), ID: "id-" + text, Data: []byte(text)})
	}
	return list
}

func store(t *testing.T, b pipeline.Broker, records []pipeline.Record) {
	t.Helper()
	if err := b.Publish(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, b pipeline.Broker, key pipeline.StageKey, offset uint64) (pipeline.Source, pipeline.Backlog) {
	t.Helper()
	source, backlog, err := b.Open(t.Context(), key, offset)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return source, backlog
}

// testOffset opens twice: a new owner whose checkpoint is at 2 gets everything from 3 on, at once and
// in order, whatever the first one settled or had in flight.
func testOffset(t *testing.T, h Harness) {
	t.Helper()
	store(t, h.Broker, numbers(0, 10))
	first, backlog, err := h.Broker.Open(t.Context(), keyL3, 0)
	if err != nil {
		t.Fatal(err)
	}
	if backlog.Empty || backlog.Last != 10 || backlog.Oldest.IsZero() {
		t.Errorf("backlog %+v, want one up to 10", backlog)
	}
	got := take(t, first, 10)
	if got[0].Seq != 1 || got[0].Attempt < 1 || got[0].Stored.IsZero() || got[0].Stream != keyL3.Stream() {
		t.Errorf("the first delivery is %+v", got[0])
	}
	if err := first.Settle(got[:4]); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second, backlog := open(t, h.Broker, keyL3, 2)
	if backlog.Empty {
		t.Error("backlog is empty, want 8 messages")
	}
	wantData(t, take(t, second, 8), "2", "3", "4", "5", "6", "7", "8", "9")
}

func testIdle(t *testing.T, h Harness) {
	t.Helper()
	source, backlog := open(t, h.Broker, keyL3, 0)
	if !backlog.Empty {
		t.Errorf("backlog %+v of an empty stream", backlog)
	}
	if burst, err := source.Next(t.Context(), 20*time.Millisecond, 0); err != nil || len(burst) > 0 {
		t.Errorf("%d messages (%v) of an empty stream", len(burst), err)
	}
}

func testContext(t *testing.T, h Harness) {
	t.Helper()
	source, _ := open(t, h.Broker, keyL3, 0)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := source.Next(ctx, time.Minute, 0); !errors.Is(err, stop) {
		t.Errorf("error %v, want the cause", err)
	}
}

func testTwice(t *testing.T, h Harness) {
	t.Helper()
	for range 2 {
		store(t, h.Broker, numbers(0, 5))
	}
	source, _ := open(t, h.Broker, keyL3, 0)
	wantData(t, take(t, source, 5), "0", "1", "2", "3", "4")
	if more, err := source.Next(t.Context(), 50*time.Millisecond, 0); err != nil || len(more) > 0 {
		t.Errorf("%d more messages (%v), want each once", len(more), err)
	}
}

func testOrder(t *testing.T, h Harness) {
	t.Helper()
	const n = 3000
	store(t, h.Broker, numbers(0, n))
	source, _ := open(t, h.Broker, keyL3, 0)
	got := take(t, source, n)
	for i := range got {
		if string(got[i].Data) != strconv.Itoa(i) {
			t.Fatalf("message %d holds %s", i, got[i].Data)
		}
	}
}

// testStoredTogether has stages ask at the same time, each behind another place: what one of them needs is none of another's.
func testStoredTogether(t *testing.T, h Harness) {
	t.Helper()
	since := time.Now().Add(-time.Minute)
	ledgers := []pipeline.Ledger{nil}
	for n := range 20 {
		store(t, h.Broker, []pipeline.Record{{Subject: pipeline.SubjectOfVerdict(layers.NameL3, layers.DispositionResolved), ID: strconv.Itoa(n)}})
		_, upTo, err := h.Broker.Stored(t.Context(), layers.NameL3, ledgers[n], since)
		if err != nil {
			t.Fatal(err)
		}
		ledgers = append(ledgers, upTo)
	}
	var asking sync.WaitGroup
	for stored, ledger := range ledgers {
		asking.Go(func() {
			got, _, err := h.Broker.Stored(t.Context(), layers.NameL3, ledger, since)
			want := map[string]struct{}{}
			for n := stored; n < len(ledgers)-1; n++ {
				want[strconv.Itoa(n)] = struct{}{}
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("behind the first %d results, %v (-want +got):\n%s", stored, err, diff)
			}
		})
	}
	asking.Wait()
}

// testStored also has L3's own input and what its correlator gets, which stand in one stream, as do the situations of L3 and L4.
func testStored(t *testing.T, h Harness) {
	t.Helper()
	before := time.Now().Add(-time.Minute)
	store(t, h.Broker, []pipeline.Record{
		{Subject: pipeline.SubjectOfVerdict(layers.NameL3, layers.DispositionResolved), ID: "verdict"},
		{Subject: pipeline.SubjectOfVerdict(layers.NameL2, layers.DispositionResolved), ID: "verdict of L2"},
		{Subject: pipeline.SubjectOf(layers.NameL4, 0), ID: "handed up"},
		{Subject: pipeline.SubjectOf(layers.NameL3, 0), ID: "input"},
		{Subject: pipeline.SubjectOf(layers.NameL2, 0), Header: map[string]string{pipeline.HeaderIDs: "MDEyMzQ1Njc4OWFiY2RlZg"}},
		{Subject: pipeline.SubjectOf(layers.NameL5, 0), ID: "handed up by L4"},
		{Subject: pipeline.SubjectSituations + ".opened", ID: "situation"},
		{Subject: pipeline.SubjectSituations + ".updated", ID: "situation with a plan"},
		{Subject: pipeline.SubjectPlans + ".proposed", ID: "plan"},
		{Subject: pipeline.SubjectOfDead(layers.NameL3), ID: "letter"},
		{Subject: pipeline.SubjectOfDead(layers.NameL1), ID: "letter of L1"},
	})
	for layer, want := range map[layers.Name][]string{
		layers.NameL3: {"verdict", "situation", "situation with a plan", "letter"},
		layers.NameL4: {"plan", "situation with a plan"},
		layers.NameL1: {"letter of L1", "01234567", "89abcdef"},
	} {
		ids := map[string]struct{}{}
		for _, id := range want {
			ids[id] = struct{}{}
		}
		got, upTo, err := h.Broker.Stored(t.Context(), layer, nil, before)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("what %s stored (-want +got):\n%s", layer, diff)
		}
		if rest, _, err := h.Broker.Stored(t.Context(), layer, upTo, before); err != nil || len(rest) > 0 {
			t.Errorf("behind what %s stored there is %v (%v)", layer, rest, err)
		}
	}
	if got, _, err := h.Broker.Stored(t.Context(), layers.NameL3, nil, time.Now().Add(time.Minute)); err != nil || len(got) > 0 {
		t.Errorf("stored in the future: %v (%v)", got, err)
	}
}
