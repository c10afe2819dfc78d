package pipeline

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// away answers nothing for so many tries.
func away(tries int) (answers []func([]Record) error) {
	for range tries {
		answers = append(answers, func([]Record) error { return errAway })
	}
	return answers
}

// stop tells the stage to stop.
func (f *fakes) stop() {
	stopped := make(chan struct{})
	close(stopped)
	f.stopped = stopped
}

// TestStopWaitsForJetStream lets JetStream be away while a stage stops, and while it does not: then its next life makes good for it.
func TestStopWaitsForJetStream(t *testing.T) {
	for name, c := range map[string]struct {
		stops bool
		away  int // tries without an answer
		drain time.Duration
		want  error
		calls int
	}{
		"stops":             {true, 5, 10 * time.Second, nil, 6},
		"goes on":           {false, 5, 10 * time.Second, errAway, 1},
		"stops and is late": {true, 1000, time.Second, errAway, 11},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
			f.broker.answers = away(c.away)
			if c.stops {
				f.stop()
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.drain+stopPause/2)
			defer cancel()
			if err := f.publish(ctx, numbered(2), time.Time{}); !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, want %v", name, err, c.want)
			}
			if f.broker.calls != c.calls {
				t.Errorf("%s: %d tries, want %d", name, f.broker.calls, c.calls)
			}
		})
	}
}

// TestStopStoresNothingTwice loses the answer to a try that stored one of three results.
func TestStopStoresNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.stop()
		records := numbered(3)
		for i := range records {
			records[i].ID = strconv.Itoa(i)
		}
		f.broker.stored = map[string]struct{}{"0": {}}
		f.broker.answers = away(1)
		if err := f.publish(t.Context(), records, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records[1:], f.broker.records); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if want := time.Now().Add(-stopPause - f.cfg.ReplayMargin); !f.broker.asked[0].Equal(want) {
			t.Errorf("what is stored since %s was asked for, want %s", f.broker.asked[0], want)
		}
	})
}

// TestStopEndsAtOnceWhereWaitingIsNoUse gives errors that no time mends.
func TestStopEndsAtOnceWhereWaitingIsNoUse(t *testing.T) {
	for _, final := range []error{ErrLeaseLost, errOverdue, layers.Permanent(errAway)} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
			f.stop()
			f.broker.answers = []func([]Record) error{func([]Record) error { return final }}
			if err := f.publish(t.Context(), numbered(1), time.Time{}); !errors.Is(err, final) || f.broker.calls != 1 {
				t.Errorf("%d tries ended with %v, want 1 and %v", f.broker.calls, err, final)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.stop()
		f.broker.answers = []func([]Record) error{func([]Record) error {
			f.valid = func() bool { return false }
			return errAway
		}}
		if err := f.publish(t.Context(), numbered(1), time.Time{}); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("error %v, want %v", err, ErrLeaseLost)
		}
	})
}

// TestStopSavesAndAcknowledgesOnceNATSIsBack does the same for what follows storing.
func TestStopSavesAndAcknowledgesOnceNATSIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.stop()
		source, checkpoints := &awaySource{fakeSource{}, 2}, &awayCheckpoints{f.checkpoints, 2}
		f.stage.source, f.deps.Checkpoints = source, checkpoints
		if err := f.flush(t.Context(), []Delivery{{Seq: 7}}); err != nil {
			t.Fatal(err)
		}
		if err := f.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(source.settled, []uint64{7}) || f.checkpoints.now.Offset != 7 {
			t.Errorf("%v is acknowledged and %d is saved, want 7", source.settled, f.checkpoints.now.Offset)
		}
	})
}

// TestStopGivesBackWhatItCannotLookUp stops L1 with messages in its hands of which it can't find out whether they are settled.
func TestStopGivesBackWhatItCannotLookUp(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL1})
	f.replay = replay{shared: true, horizon: 1}
	f.deps.Broker = blindBroker{f.broker}
	burst := []Delivery{{Seq: 1, Stored: time.Now(), Data: []byte("down")}}
	stop, cancel := context.WithCancel(t.Context())
	if err := f.settle(stop, t.Context(), burst); !errors.Is(err, errAway) {
		t.Errorf("error %v before the stop, want %v", err, errAway)
	}
	if cancel(); f.settle(stop, t.Context(), burst) != nil || len(f.source.settled) > 0 || f.broker.calls > 0 {
		t.Errorf("it is no clean stop, or %v is settled with %d publishes", f.source.settled, f.broker.calls)
	}
}

// awaySource does not reach the server for a while.
type awaySource struct {
	fakeSource

	away int
}

func (s *awaySource) Settle(burst []Delivery) error {
	if s.away--; s.away >= 0 {
		return errAway
	}
	return s.fakeSource.Settle(burst)
}

// awayCheckpoints do so, too.
type awayCheckpoints struct {
	*fakeCheckpoints

	away int
}

func (c *awayCheckpoints) Save(ctx context.Context, stage string, cp Checkpoint) (uint64, error) {
	if c.away--; c.away >= 0 {
		return 0, errAway
	}
	return c.fakeCheckpoints.Save(ctx, stage, cp)
}

// blindBroker does not know what is stored.
type blindBroker struct{ *fakeBroker }

func (blindBroker) Stored(context.Context, layers.Name, Ledger, time.Time) (map[string]struct{}, Ledger, error) {
	return nil, nil, errAway
}
