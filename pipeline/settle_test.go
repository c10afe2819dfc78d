package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

var errFull = errors.New("the stream is full")

// numbered returns records with the ids 0 to n-1.
func numbered(n int) []Record {
	list := make([]Record, n)
	for i := range list {
		list[i] = Record{Subject: "hal9.l4.0", ID: strconv.Itoa(i)}
	}
	return list
}

// refuse stores the first of the records and refuses the rest.
func (b *fakeBroker) refuse(first int) func([]Record) error {
	return func(records []Record) error {
		b.records = append(b.records, records[:first]...)
		return &FullError{Left: records[first:], Err: errFull}
	}
}

func TestPublishGoesOnWithWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		beats := 0
		f.beat = func() { beats++ }
		for _, first := range []int{3, 0, 0, 4, 1} {
			f.broker.answers = append(f.broker.answers, f.broker.refuse(first))
		}
		began := time.Now()
		if err := f.publish(t.Context(), numbered(10), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(numbered(10), f.broker.records); diff != "" {
			t.Errorf("stored records differ (-want +got):\n%s", diff)
		}
		if want := (1 + 2 + 4 + 8 + 16) * fullPause; time.Since(began) != want || beats != 5 {
			t.Errorf("waited %s with %d beats, want %s with 5", time.Since(began), beats, want)
		}
	})
}

func TestPublishEndsWithOtherErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.broker.answers = []func([]Record) error{f.broker.refuse(1), func([]Record) error { return broken }}
		if err := f.publish(t.Context(), numbered(3), time.Time{}); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		if want := []string{"WARN no room for what follows, trying again 0s"}; !cmp.Equal(want, f.log.list) {
			t.Errorf("log is %q, want %q: nothing has room again", f.log.list, want)
		}
	})
}

// TestPublishStopsWhereTheStageIsLost loses the stage while it waits for room.
func TestPublishStopsWhereTheStageIsLost(t *testing.T) {
	for name, lose := range map[string]func(f *fakes){
		"invalid":     func(f *fakes) { f.valid = func() bool { return false } },
		"left behind": func(f *fakes) { f.leave() },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
			f.broker.answers = []func([]Record) error{f.broker.refuse(1), func(records []Record) error {
				lose(f)
				return f.broker.refuse(1)(records)
			}}
			if err := f.publish(t.Context(), numbered(5), time.Time{}); !errors.Is(err, ErrLeaseLost) {
				t.Errorf("%s: error %v, want %v", name, err, ErrLeaseLost)
			}
			if len(f.broker.records) != 2 || f.broker.calls != 2 {
				t.Errorf("%s: %d records in %d calls, want 2 in 2", name, len(f.broker.records), f.broker.calls)
			}
		})
	}
}

func TestPublishEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.broker.answers = []func([]Record) error{f.broker.refuse(0)}
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		cancel(stopped)
		if err := f.publish(ctx, numbered(1), time.Time{}); !errors.Is(err, stopped) {
			t.Errorf("error %v, want %v", err, stopped)
		}
	})
}

// TestPublishSaysOnceAMinuteThatItWaits fills a stream for minutes, and then again and again for a moment.
func TestPublishSaysOnceAMinuteThatItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		for range 190 { // about two and a half minutes
			f.broker.answers = append(f.broker.answers, f.broker.refuse(0))
		}
		if err := f.publish(t.Context(), numbered(2), time.Time{}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"WARN no room for what follows, trying again 0s", "WARN no room for what follows, trying again 1m0s",
			"WARN no room for what follows, trying again 2m0s", "INFO there is room again 2m0s",
		}
		if diff := cmp.Diff(want, f.log.list); diff != "" {
			t.Errorf("log differs (-want +got):\n%s", diff)
		}
		f.log.list = nil
		time.Sleep(fullSay)
		for range 100 { // Within a minute there is room and none a hundred times.
			f.broker.answers = []func([]Record) error{f.broker.refuse(0)}
			if err := f.publish(t.Context(), numbered(2), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{want[0], "INFO there is room again 0s"}; !cmp.Equal(want, f.log.list) {
			t.Errorf("log is %q, want %q", f.log.list, want)
		}
	})
}

func TestSettleAcknowledgesInPartsWhatIsStored(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
	f.cfg.BurstSignals = 4
	var burst []Delivery
	for seq := range uint64(10) {
		burst = append(burst, Delivery{Seq: seq + 1, Attempt: 1, Data: []byte("down")})
	}
	broken := errors.New("broken")
	f.broker.answers = []func([]Record) error{
		func(records []Record) error { f.broker.records = append(f.broker.records, records...); return nil },
		func([]Record) error { return broken },
	}
	if err := f.settle(t.Context(), t.Context(), burst); !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	if want := []uint64{1, 2, 3, 4}; !cmp.Equal(want, f.source.settled) || len(f.broker.records) != 4 {
		t.Errorf("%d records stored and %v acknowledged, want 4 and %v", len(f.broker.records), f.source.settled, want)
	}
}

// TestOverdueBurstIsNotStored works on a burst of L1 until somebody else may have been given the same messages.
func TestOverdueBurstIsNotStored(t *testing.T) {
	for name, c := range map[string]struct {
		left, leftOfLast time.Duration
		want             error
	}{
		"in time":                {time.Minute, time.Minute, nil},
		"too late":               {time.Second, time.Second, errOverdue},
		"too late for the first": {time.Second, time.Minute, errOverdue},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
			f.worker = eachMessage{f.worker, func() {
				time.Sleep(600 * time.Millisecond) // Both together are one part.
				f.out.list = append(f.out.list, Record{Subject: "hal9.verdicts.L1.resolved", ID: "v"})
			}}
			burst := []Delivery{{Seq: 1, Until: time.Now().Add(c.left)}, {Seq: 2, Until: time.Now().Add(c.leftOfLast)}}
			if err := f.settle(t.Context(), t.Context(), burst); !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, want %v", name, err, c.want)
			}
			if stored := len(f.broker.records); stored > 0 != (c.want == nil) {
				t.Errorf("%s: %d records stored", name, stored)
			}
		})
	}
}

// TestSlowBurstIsStoredInParts takes half a second for each message.
func TestSlowBurstIsStoredInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		burst := make([]Delivery, 10)
		for i := range burst {
			burst[i].Seq = uint64(i + 1)
		}
		most := uint64(0)
		f.worker = eachMessage{f.worker, func() {
			time.Sleep(partTime / 2)
			most++
			if open := most - f.checkpoint.Offset; open > 3 {
				t.Errorf("message %d is decided and what follows from %d is not stored", most, open-1)
			}
		}}
		if err := f.settle(t.Context(), t.Context(), burst); err != nil {
			t.Fatal(err)
		}
	})
}

// hungBroker takes records and never says whether they are stored.
type hungBroker struct{ *fakeBroker }

func (hungBroker) Publish(ctx context.Context, _ []Record) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestStoringEndsBeforeSomebodyElseIsDone has a server answer no more: what is not known to be stored by then is given up.
func TestStoringEndsBeforeSomebodyElseIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
		f.deps.Broker = hungBroker{f.broker}
		began := time.Now()
		if err := f.publish(t.Context(), numbered(1), began.Add(time.Second)); !errors.Is(err, errOverdue) {
			t.Errorf("error %v, want %v", err, errOverdue)
		}
		if took := time.Since(began); took != time.Second+storeTime {
			t.Errorf("it took %s, want %s", took, time.Second+storeTime)
		}
	})
}

// TestOwnSignalsDoNotWaitForRoom fills HAL9_L1: a stage that waited there could keep L1 from making room.
func TestOwnSignalsDoNotWaitForRoom(t *testing.T) {
	own := Record{Subject: SubjectSignals + "." + SourceOwn, ID: "own"}
	records := []Record{own, {Subject: "hal9.verdicts.L3.folded", ID: "v"}, own}
	for name, c := range map[string]struct {
		key  StageKey
		want []Record
	}{
		"a layer":        {StageKey{Layer: layers.NameL3, Partitions: 1}, records[1:2]},
		"the objectives": {ObjectiveStages()[0], records},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, c.key)
			f.broker.answers = []func([]Record) error{f.broker.refuse(0)}
			if err := f.publish(t.Context(), slices.Clone(records), time.Time{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, f.broker.records); diff != "" {
				t.Errorf("%s: stored records differ (-want +got):\n%s", name, diff)
			}
		})
	}
}

// finals is an Observer that counts final verdicts.
type finals struct {
	Observer

	n int
}

func (f *finals) Final(layers.Name, time.Duration) { f.n++ }

// TestObserverIsToldOfASignalOnce lets a second life of a stage work on the same messages, since the first one did not come to
// its checkpoint.
func TestObserverIsToldOfASignalOnce(t *testing.T) {
	var told *atomic.Uint64
	observer := &finals{}
	for life := range 2 {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		observer.Observer, f.deps.Observer = f.deps.Observer, observer
		if told != nil {
			f.told = told
		}
		told = f.told
		var burst []Delivery
		for seq := range uint64(3 + life) {
			burst = append(burst, Delivery{Seq: seq + 1, Data: packOf(t, seq+1, &layers.Envelope{Signal: layers.Signal{
				ID: fmt.Sprint("s", seq), Source: "test", Key: "k", Text: "down",
			}})})
		}
		if err := f.settle(t.Context(), t.Context(), burst); err != nil {
			t.Fatal(err)
		}
	}
	if observer.n != 4 {
		t.Errorf("%d verdicts were told of, want each of 4 once", observer.n)
	}
}

// raising is a layer that announces a situation with each signal and hands it up, but for those without a key.
type raising struct{}

func (raising) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	d := layers.Decision{Disposition: layers.DispositionEscalated, Reason: "up"}
	if e.Key != "" {
		d.Events = []layers.Event{{Situation: &layers.Situation{ID: "sit", Event: layers.SituationOpened, Revision: 1}}}
	}
	return d, nil
}

// TestSituationsAreStoredBeforeTheSignalsThatClimbWithThem lets the broker answer the announcement before it sees the pack.
func TestSituationsAreStoredBeforeTheSignalsThatClimbWithThem(t *testing.T) {
	for key, want := range map[string][][]string{
		"k": {{"hal9.situations.opened"}, {"hal9.l4.0"}},
		"":  {{"hal9.l4.0"}},
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.worker.(*layerWorker).layer = raising{}
		data, err := NewPack(&layers.Envelope{Signal: layers.Signal{ID: "a", Source: "s", Key: key}})
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for range len(want) + 1 {
			f.broker.answers = append(f.broker.answers, func(records []Record) error {
				var subjects []string
				for _, r := range records {
					subjects = append(subjects, r.Subject)
				}
				got = append(got, subjects)
				return nil
			})
		}
		if err := f.settle(t.Context(), t.Context(), []Delivery{{Seq: 1, Data: data, Stored: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("key %q, what is stored in turn (-want +got):\n%s", key, diff)
		}
	}
}
