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

	now ScoutRange
}

func (s *fakeScouting) Range(context.Context) (ScoutRange, error) { return s.now, nil }

func (s *fakeScouting) SetRange(_ context.Context, r ScoutRange) error {
	s.now = r
	return nil
}

func (s *fakeScouting) Ends(context.Context) (last, settled uint64, err error) { return 100, 0, nil }

// TestScoutSetsOutWhereL1IsBehind keeps L1 behind for a while, with and without leave to overtake.
func TestScoutSetsOutWhereL1IsBehind(t *testing.T) {
	for name, c := range map[string]struct {
		behind  time.Duration
		inOrder bool
		want    ScoutRange
	}{
		"far behind":             {scoutAt + 1, false, ScoutRange{From: 101}},
		"at the limit":           {scoutAt, false, ScoutRange{}},
		"everything is in order": {time.Hour, true, ScoutRange{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, ScoutKey(1))
			scouting := &fakeScouting{}
			f.deps.Scouting, f.cfg.InOrder = scouting, c.inOrder
			f.pressure.set(StageKey{Layer: layers.NameL1}.Name(), c.behind)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := f.awaitRange(ctx); (err == nil) != (c.want.From > 0) || scouting.now != c.want {
				t.Errorf("%s: the range is %+v (%v), want %+v", name, scouting.now, err, c.want)
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
