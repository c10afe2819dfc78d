package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// fakeScouting keeps the range of a scout.
type fakeScouting struct {
	Scouting

	now   ScoutRange
	ends  Ends
	later uint64 // is stored between one look at the ends and the next
	stale bool   // answers as a server that has not heard of the range yet
	asked int    // for the range
}

func (s *fakeScouting) Range(context.Context) (ScoutRange, error) {
	s.asked++
	if s.stale {
		return ScoutRange{}, nil
	}
	return s.now, nil
}

func (s *fakeScouting) SetRange(_ context.Context, r ScoutRange) (ScoutRange, error) {
	if r.Revision != s.now.Revision {
		return r, errors.New("another range was set in between")
	}
	r.Revision++
	s.now = r
	return r, nil
}

func (s *fakeScouting) Ends(context.Context) (Ends, error) {
	ends := s.ends
	s.ends.Last += s.later
	return ends, nil
}

// TestScoutSetsOutWhereL1IsBehind keeps L1 behind for a while, with and without leave to overtake.
func TestScoutSetsOutWhereL1IsBehind(t *testing.T) {
	for name, c := range map[string]struct {
		behind  time.Duration
		ends    Ends
		inOrder bool
		want    uint64 // where the range begins
	}{
		"far behind":                      {scoutAt + 1, Ends{Last: scoutFew}, false, 1},
		"at the limit":                    {scoutAt, Ends{Last: scoutFew}, false, 0},
		"a few large ones":                {scoutAtFew, Ends{Last: scoutFew - 1}, false, 0},
		"a few that take too long":        {scoutAtFew + 1, Ends{Last: 100}, false, 1},
		"everything is to be ordered":     {time.Hour, Ends{Last: scoutFew}, true, 0},
		"behind what L1 has in its hands": {time.Hour, Ends{Last: 9000, Given: 3000, Settled: 1000}, false, 4001},
		"not ahead of the end":            {time.Hour, Ends{Last: 9000, Given: 8000, Settled: 1000}, false, 9001},
		"an end that was read too early":  {time.Hour, Ends{Last: 8000, Given: 9000, Settled: 1000}, false, 9001},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, ScoutKey(1))
			scouting := &fakeScouting{ends: c.ends}
			f.deps.Scouting, f.cfg.InOrder = scouting, c.inOrder
			f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), c.behind)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begun, err := f.awaitRange(ctx)
			if isOut := c.want > 0; (err == nil) != isOut || begun != isOut || scouting.now.From != c.want {
				t.Errorf("%s: the range is %+v, begun: %t (%v), want it from %d on", name, scouting.now, begun, err, c.want)
			}
		})
	}
}

// TestNewRangeBeginsBehindTheLast has L1 leave the last range, and not yet: one that begins before the end of the last would leave what lies
// between to nobody.
func TestNewRangeBeginsBehindTheLast(t *testing.T) {
	last := ScoutRange{From: 5, To: 20_000, Revision: 2}
	for settled, want := range map[uint64]ScoutRange{20_000: {From: 20_001, Revision: 3}, 19_999: {From: 5, Revision: 3}} {
		f := newFakes(t, ScoutKey(1))
		f.deps.Scouting = &fakeScouting{now: last, ends: Ends{Last: 50_000, Given: settled, Settled: settled}}
		f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
		if r, fresh, err := f.setOut(t.Context(), last); err != nil || r != want || fresh != (want.From > last.To) {
			t.Errorf("L1 has settled %d: the range is %+v, new: %t, %v, want %+v", settled, r, fresh, err, want)
		}
	}
}

// TestRangeEndsWhereEverythingIsToBeInOrder ends a range that was begun before.
func TestRangeEndsWhereEverythingIsToBeInOrder(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	scouting := &fakeScouting{now: ScoutRange{From: 5}}
	f.deps.Scouting, f.cfg.InOrder, f.reach = scouting, true, scouting.now
	f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
	if _, err := f.rangeOver()(t.Context()); err != nil || scouting.now.To == 0 || f.reach != scouting.now {
		t.Errorf("the range is %+v (%v), want one with an end", scouting.now, err)
	}
}

// TestRangeGoesOnWhereItsEndWasPassed has so much come while the end is told that somebody may be behind it.
func TestRangeGoesOnWhereItsEndWasPassed(t *testing.T) {
	for later, want := range map[uint64]uint64{scoutMargin / 2: 100 + scoutMargin, scoutMargin/2 + 1: 0} {
		f := newFakes(t, ScoutKey(1))
		scouting := &fakeScouting{now: ScoutRange{From: 5}, ends: Ends{Last: 100}, later: later}
		f.deps.Scouting, f.reach = scouting, scouting.now
		if err := f.endRange(t.Context()); err != nil || scouting.now.From != 5 || scouting.now.To != want || f.reach != scouting.now {
			t.Errorf("%d came meanwhile: the range is %+v, the scout believes %+v (%v), want one up to %d", later, scouting.now, f.reach, err, want)
		}
	}
}

// TestScoutAsksNobodyOnItsWay lets the scout look around while L1 is behind: under overload each answer would take long.
func TestScoutAsksNobodyOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, ScoutKey(1))
		scouting := &fakeScouting{now: ScoutRange{From: 5}}
		f.deps.Scouting, f.reach = scouting, scouting.now
		f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
		over := f.rangeOver()
		for range 20 {
			if done, err := over(t.Context()); done || err != nil {
				t.Fatalf("the range is over: %t, %v", done, err)
			}
			time.Sleep(scoutLook)
		}
		if scouting.asked > 0 || scouting.now.To > 0 {
			t.Errorf("it asked for the range %d times, which is %+v", scouting.asked, scouting.now)
		}
		f.reach.To, f.checkpoint.Offset = 30, 30
		if done, err := over(t.Context()); !done || err != nil {
			t.Errorf("behind the end of the range it goes on: %v", err)
		}
	})
}

// TestRangeGoesOnWhileMuchWaits has L1 say that it has caught up, as it does where it was told long ago how much waits.
func TestRangeGoesOnWhileMuchWaits(t *testing.T) {
	for last, want := range map[uint64]uint64{100 + scoutFew: 100 + scoutFew + scoutMargin, 101 + scoutFew: 0} {
		f := newFakes(t, ScoutKey(1))
		scouting := &fakeScouting{now: ScoutRange{From: 5}, ends: Ends{Last: last, Given: 100, Settled: 10}}
		f.deps.Scouting, f.reach = scouting, scouting.now
		if _, err := f.rangeOver()(t.Context()); err != nil || scouting.now.To != want || f.reach != scouting.now {
			t.Errorf("%d are stored and 100 given: the range is %+v, the scout believes %+v, %v", last, scouting.now, f.reach, err)
		}
	}
}

// TestRangeGoesOnWhereL1IsBehindAgain tells the end of a range and has L1 fall behind once more, while the scout is before that end and behind it:
// nothing in front of it is another's then, and it must go on just behind what it has looked at.
func TestRangeGoesOnWhereL1IsBehindAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, ScoutKey(1))
		f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), scoutAt+1)
		scouting := &fakeScouting{now: ScoutRange{From: 5, To: 300, Revision: 2}, ends: Ends{Last: 9 * scoutFew, Given: 299, Settled: 299}}
		f.deps.Scouting, f.reach, f.checkpoint.Offset = scouting, scouting.now, 200
		over := f.rangeOver()
		if done, err := over(t.Context()); done || err != nil || scouting.now != (ScoutRange{From: 5, Revision: 3}) || f.reach != scouting.now {
			t.Errorf("before the end: the range is %+v, the scout believes %+v, over: %t, %v", scouting.now, f.reach, done, err)
		}
		scouting.now = ScoutRange{From: 5, To: 300, Revision: 4}
		f.reach, f.checkpoint.Offset = scouting.now, 300
		time.Sleep(scoutLook)
		if done, err := over(t.Context()); !done || err != nil {
			t.Fatalf("behind the end the range is not over: %v", err)
		}
		if fresh, err := f.awaitRange(t.Context()); fresh || err != nil || f.reach != (ScoutRange{From: 5, Revision: 5}) || f.checkpoint.Offset != 300 {
			t.Errorf("behind the end: the range is %+v, it goes on behind %d, new: %t, %v", f.reach, f.checkpoint.Offset, fresh, err)
		}
	})
}

// TestScoutKeepsToItsRange gives the scout a burst across the end of its range.
func TestScoutKeepsToItsRange(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.worker.(*layerWorker).decoder = severe{severity: layers.SeverityCritical}
	f.reach = ScoutRange{From: 2, To: 4}
	burst := []Delivery{{Seq: 3}, {Seq: 4}, {Seq: 5}, {Seq: 6}}
	if err := f.settle(t.Context(), t.Context(), burst); err != nil || len(f.broker.records) != 1 || f.checkpoint.Offset != 4 {
		t.Fatalf("it stored %d records and stands at %d, %v", len(f.broker.records), f.checkpoint.Offset, err)
	}
	if n := signalsIn(t, f.broker.records[0]); n != 2 {
		t.Errorf("it handed up %d signals, want the two that lie in its range", n)
	}
}

// signalsIn returns how many signals a pack holds.
func signalsIn(t *testing.T, r Record) (n int) {
	t.Helper()
	pack, err := OpenPack(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, ok := pack.Next(); !ok {
			return n
		}
		n++
	}
}

// TestScoutBelievesTheRangeThatItSet has a server answer with the range of before: a second one, behind the first, would leave what
// lies between to nobody.
func TestScoutBelievesTheRangeThatItSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, ScoutKey(1))
		scouting := &fakeScouting{ends: Ends{Last: scoutFew, Given: 99, Settled: 99}, stale: true}
		f.deps.Scouting = scouting
		f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
		if begun, err := f.awaitRange(t.Context()); err != nil || !begun || scouting.now.Revision != 1 || f.reach != scouting.now || f.checkpoint.Offset != 99 {
			t.Errorf("the range is %+v, the scout believes %+v and goes on behind %d, begun: %t, %v: want one, and behind 99",
				scouting.now, f.reach, f.checkpoint.Offset, begun, err)
		}
	})
}

// TestScoutSetsNoRangeOverOneItDoesNotKnow has a server answer a new scout with the range of before, while an earlier scout has begun the
// next one: what L1 has passed over since then would be left to nobody.
func TestScoutSetsNoRangeOverOneItDoesNotKnow(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	earlier := ScoutRange{From: 50, Revision: 3}
	scouting := &fakeScouting{now: earlier, ends: Ends{Last: 9 * scoutFew, Given: 99, Settled: 99}, stale: true}
	f.deps.Scouting = scouting
	f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
	if begun, err := f.awaitRange(t.Context()); err == nil || begun || scouting.now != earlier {
		t.Errorf("the range is %+v, begun: %t, %v: want %+v and an error", scouting.now, begun, err, earlier)
	}
}

// TestScoutKeepsItsPlaceAlone saves a checkpoint of a scout and reads it.
func TestScoutKeepsItsPlaceAlone(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.cfg.CheckpointMessages, f.saved = 10, f.deps.Now()
	f.checkpoint.Offset, f.unsaved = 500, 500
	if f.checkpointDue() {
		t.Error("a checkpoint is due, of messages that the scout passed over")
	}
	if err := f.save(t.Context()); err != nil || len(f.checkpoints.saved) != 1 || f.checkpoints.saved[0].Offset != 500 || len(f.checkpoints.saved[0].State) > 0 {
		t.Fatalf("it saved %+v, %v", f.checkpoints.saved, err)
	}
	f.checkpoint = Checkpoint{}
	if err := f.load(t.Context()); err != nil || f.checkpoint.Offset != 500 {
		t.Errorf("it goes on behind %d, %v", f.checkpoint.Offset, err)
	}
}

// TestScoutGoesOnWithARange has a scout find a range that an earlier one told of: what follows from it may be stored already.
func TestScoutGoesOnWithARange(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.deps.Scouting = &fakeScouting{now: ScoutRange{From: 5}}
	if begun, err := f.awaitRange(t.Context()); err != nil || begun || f.checkpoint.Offset != 4 {
		t.Errorf("it goes on behind %d, begun: %t, %v: want behind 4, and that it did not begin it", f.checkpoint.Offset, begun, err)
	}
}

// TestScoutLeavesToL1WhatIsNotCritical shows it one signal of each severity, and one that can't be read.
func TestScoutLeavesToL1WhatIsNotCritical(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.reach = ScoutRange{From: 1}
	worker := f.worker.(*layerWorker)
	for severity := layers.Severity(0); severity <= layers.SeverityCritical; severity++ {
		worker.decoder = severe{severity: severity}
		if err := f.take(t.Context(), &Delivery{Seq: uint64(severity) + 1, Attempt: 1, Data: []byte("up")}); err != nil {
			t.Fatal(err)
		}
	}
	worker.decoder = refusing{}
	if err := f.take(t.Context(), &Delivery{Seq: 100, Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	if lane := f.out.critical(); lane.pack.signals != 1 || f.out.signals != 1 || len(f.out.list) > 0 {
		t.Errorf("%d signals take the lane of critical ones, %d were decided, %d records: want 1, 1 and none",
			lane.pack.signals, f.out.signals, len(f.out.list))
	}
}

// severe decodes every message into a signal of one severity.
type severe struct {
	plainText

	severity layers.Severity
}

func (s severe) Decode(d *Delivery) (*layers.Envelope, error) {
	e, err := s.plainText.Decode(d)
	e.Severity = s.severity
	return e, err
}
