package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestCarefulStageFindsTheSignalWithFewNotes has the process die at one signal of a large backlog, life after life. A
// life that is careful notes where it is every so often; only near where its forerunner died it writes tries down.
func TestCarefulStageFindsTheSignalWithFewNotes(t *testing.T) {
	for _, fatal := range []int{0, 1, 255, 256, 8123, 8191, 8192, 8193} {
		testCaution(t, fatal)
	}
}

func testCaution(t *testing.T, fatal int) {
	t.Helper()
	const packs, each = 20, 800
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	for life := 1; ; life++ {
		f.checkpoints.lives, f.checkpoints.places = life, 0
		f.replay.horizon = packs
		if err := f.countLife(t.Context(), Backlog{First: 1}); err != nil {
			t.Fatal(err)
		}
		single, found := 0, false
		for i := range fatal + 1 {
			careful, err := f.careful(t.Context(), &Delivery{Seq: uint64(1 + i/each)}, Position{Seq: uint64(1 + i/each), Index: uint32(i % each)})
			if err != nil {
				t.Fatal(err)
			}
			if careful {
				single++
			}
			found = careful
		}
		if most := fatal/cautionSignals + 3; f.checkpoints.places > most || single > cautionSignals {
			t.Errorf("life %d made %d notes and wrote %d tries down, want at most %d and %d", life, f.checkpoints.places, single, most, cautionSignals)
		}
		switch {
		case life < livesBefore && f.checkpoints.places > 0, life <= livesBefore && single > 0:
			t.Errorf("life %d is careful already", life)
		case !found && life > livesBefore:
			t.Errorf("life %d did not write down that it tries signal %d, at which the last one died", life, fatal)
		}
		if life == livesBefore+4 {
			break
		}
	}
}

// TestStageIsCarefulNoLongerThanItMust goes on behind what may have been worked on before, and with a note from another time.
func TestStageIsCarefulNoLongerThanItMust(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	f.checkpoints.lives, f.checkpoints.place = livesBefore+1, Position{Seq: 5}
	f.replay.horizon = 20
	if err := f.countLife(t.Context(), Backlog{First: 10}); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(10); seq <= 30; seq++ {
		if careful, err := f.careful(t.Context(), &Delivery{Seq: seq}, Position{Seq: seq}); careful || err != nil {
			t.Errorf("careful at %d (%v), where nothing is suspect", seq, err)
		}
	}
	if f.checkpoints.places != 1 {
		t.Errorf("%d notes for 11 signals, want 1", f.checkpoints.places)
	}
}

// TestStopEndsABurstAfterTheMessageAtHand stops a stage in the middle of a burst.
func TestStopEndsABurstAfterTheMessageAtHand(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	stop, end := context.WithCancel(t.Context())
	burst := make([]Delivery, 5)
	for i := range burst {
		burst[i].Seq = uint64(i + 1)
	}
	taken := 0
	f.worker = eachMessage{f.worker, func() {
		if taken++; taken == 2 {
			end()
		}
	}}
	if err := f.settle(stop, t.Context(), burst); err != nil {
		t.Fatal(err)
	}
	if taken != 2 || f.checkpoint.Offset != 2 {
		t.Errorf("%d messages were taken and those up to %d settled, want 2 and 2", taken, f.checkpoint.Offset)
	}
}

// eachMessage is a worker that decides nothing and tells when it is called.
type eachMessage struct {
	worker

	tell func()
}

func (w eachMessage) handle(context.Context, *Delivery, *stage) error {
	w.tell()
	return nil
}

// TestStopWhileOpeningIsNoFailure has the server go while a stage reads what is stored.
func TestStopWhileOpeningIsNoFailure(t *testing.T) {
	for name, stopped := range map[string]bool{"told to stop": true, "not told to stop": false} {
		f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
		ctx, cancel := context.WithCancel(t.Context())
		f.deps.Broker = awayBroker{f.broker, func() {
			if stopped {
				cancel()
			}
		}}
		f.broker.backlog = Backlog{First: 1, Last: 5}
		if err := f.run(ctx); stopped != (err == nil) {
			t.Errorf("%s: error %v", name, err)
		}
		cancel()
	}
}

// awayBroker can't say what is stored.
type awayBroker struct {
	*fakeBroker

	tell func()
}

func (b awayBroker) Stored(context.Context, layers.Name, Ledger, time.Time) (map[string]struct{}, Ledger, error) {
	b.tell()
	return nil, nil, errAway
}

var errAway = errors.New("the server stopped sending")
