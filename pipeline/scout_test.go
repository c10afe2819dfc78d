package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// fakeScouting keeps the range of a scout.
type fakeScouting struct {
	Scouting

	now   ScoutRange
	last  uint64
	stale bool // answers as a server that has not heard of the range yet
	sets  int
}

func (s *fakeScouting) Range(context.Context) (ScoutRange, error) {
	if s.stale {
		return ScoutRange{}, nil
	}
	return s.now, nil
}

func (s *fakeScouting) SetRange(_ context.Context, r ScoutRange) error {
	s.now = r
	s.sets++
	return nil
}

func (s *fakeScouting) Ends(context.Context) (last, settled uint64, err error) { return s.last, 0, nil }

// TestScoutSetsOutWhereL1IsBehind keeps L1 behind for a while, with and without leave to overtake.
func TestScoutSetsOutWhereL1IsBehind(t *testing.T) {
	for name, c := range map[string]struct {
		behind  time.Duration
		waiting uint64
		inOrder bool
		want    ScoutRange
	}{
		"far behind":                  {scoutAt + 1, scoutFew, false, ScoutRange{From: scoutFew + 1}},
		"at the limit":                {scoutAt, scoutFew, false, ScoutRange{}},
		"a few large ones":            {scoutAtFew, scoutFew - 1, false, ScoutRange{}},
		"a few that take too long":    {scoutAtFew + 1, 100, false, ScoutRange{From: 101}},
		"everything is to be ordered": {time.Hour, scoutFew, true, ScoutRange{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, ScoutKey(1))
			scouting := &fakeScouting{last: c.waiting}
			f.deps.Scouting, f.cfg.InOrder = scouting, c.inOrder
			f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), c.behind)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			told, err := f.awaitRange(ctx)
			if isOut := c.want.From > 0; (err == nil) != isOut || told.IsZero() == isOut || scouting.now != c.want {
				t.Errorf("%s: the range is %+v, told at %s (%v), want %+v", name, scouting.now, told, err, c.want)
			}
		})
	}
}

// TestRangeEndsWhereEverythingIsToBeInOrder ends a range that was begun before.
func TestRangeEndsWhereEverythingIsToBeInOrder(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	scouting := &fakeScouting{now: ScoutRange{From: 5}}
	f.deps.Scouting, f.cfg.InOrder = scouting, true
	f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
	if _, err := f.rangeOver()(t.Context()); err != nil || scouting.now.To == 0 {
		t.Errorf("the range is %+v (%v), want one with an end", scouting.now, err)
	}
}

// TestScoutBelievesTheRangeThatItSet has a server answer with the range of before: a second one, behind the first, would leave what
// lies between to nobody.
func TestScoutBelievesTheRangeThatItSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, ScoutKey(1))
		scouting := &fakeScouting{last: scoutFew, stale: true}
		f.deps.Scouting = scouting
		f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), time.Hour)
		if told, err := f.awaitRange(t.Context()); err != nil || told.IsZero() || scouting.sets != 1 || f.checkpoint.Offset != scoutFew {
			t.Errorf("%d ranges were set, it goes on behind %d, told at %s, %v: want one, and behind %d",
				scouting.sets, f.checkpoint.Offset, told, err, scoutFew)
		}
	})
}

// TestScoutGoesOnWithARange has a scout find a range that an earlier one told of: what follows from it may be stored already.
func TestScoutGoesOnWithARange(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
	f.deps.Scouting = &fakeScouting{now: ScoutRange{From: 5}}
	if told, err := f.awaitRange(t.Context()); err != nil || !told.IsZero() || f.checkpoint.Offset != 4 {
		t.Errorf("it goes on behind %d, told at %s, %v: want behind 4, and that it has told nobody", f.checkpoint.Offset, told, err)
	}
}

// fastScouting is a stream into which so much comes at every look.
type fastScouting struct {
	*fakeScouting

	step uint64
}

func (s fastScouting) Ends(context.Context) (last, settled uint64, err error) {
	s.last += s.step
	return s.last, 0, nil
}

// TestRangeGoesOnWhereMuchComesAsItEnds lets messages come while the end of a range is told: nobody may have passed over a
// critical signal behind the end.
func TestRangeGoesOnWhereMuchComesAsItEnds(t *testing.T) {
	for step, want := range map[uint64]ScoutRange{
		scoutMargin / 2:   {From: 5, To: scoutMargin/2 + scoutMargin},
		scoutMargin/2 + 1: {From: 5},
	} {
		f := newFakes(t, ScoutKey(1))
		scouting := fastScouting{&fakeScouting{now: ScoutRange{From: 5}}, step}
		f.deps.Scouting = scouting
		if _, err := f.rangeOver()(t.Context()); err != nil || scouting.now != want {
			t.Errorf("with %d messages meanwhile the range is %+v (%v), want %+v", step, scouting.now, err, want)
		}
	}
}

// TestScoutLeavesToL1WhatIsNotCritical shows it one signal of each severity, and one that can't be read.
func TestScoutLeavesToL1WhatIsNotCritical(t *testing.T) {
	f := newFakes(t, ScoutKey(1))
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
