package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// TestCheckpointInTheMiddleOfAReplayKeepsItsLedger saves before, at and behind the place up to which an earlier life may have
// worked: until then what that life stored lies behind the old ledger only.
func TestCheckpointInTheMiddleOfAReplayKeepsItsLedger(t *testing.T) {
	for name, c := range map[string]struct {
		offset    uint64
		old, want Ledger
	}{
		"before":                  {9, Ledger{"HAL9_VERDICTS": 5}, Ledger{"HAL9_VERDICTS": 5}},
		"before, and never saved": {9, nil, Ledger{}},
		"at its end":              {10, Ledger{"HAL9_VERDICTS": 5}, nil},
		"behind it":               {11, Ledger{"HAL9_VERDICTS": 5}, nil},
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		f.replay.horizon, f.unsaved = 10, 1
		f.checkpoint = Checkpoint{Offset: c.offset, Ledger: c.old, Revision: 3}
		if err := f.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		saved := f.checkpoints.now
		if diff := cmp.Diff(c.want, saved.Ledger); diff != "" || saved.Offset != c.offset {
			t.Errorf("%s: saved at %d, ledger (-want +got):\n%s", name, saved.Offset, diff)
		}
	}
}

// pastBroker has one pack of L1 in the past of a stage.
type pastBroker struct {
	*fakeBroker

	from, to uint64
}

func (b *pastBroker) Past(_ context.Context, _ StageKey, from, to uint64, visit func(*Delivery)) error {
	b.from, b.to = from, to
	visit(headOf(from, &identity{1}))
	return nil
}

// TestBeginReadsWhatTheStageKnew opens L2 behind a checkpoint.
func TestBeginReadsWhatTheStageKnew(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL2, Partitions: 1})
	broker := &pastBroker{fakeBroker: f.broker}
	broker.stored = map[string]struct{}{"verdict": {}}
	f.deps.Broker = broker
	before := newFilter(f.key)
	before.ids.add(7, 4)
	f.checkpoints.now = Checkpoint{Offset: 9, Ledger: Ledger{"HAL9_VERDICTS": 5}, Revision: 1, State: before.snapshot(nil)}
	oldest := time.Now().Add(-time.Hour)
	broker.backlog = Backlog{Oldest: oldest, First: 10, Last: 20}
	f.checkpoints.lives = 2
	if err := f.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.caution.lives != 2 || f.checkpoint.Offset != 9 || f.out.from.Layer != layers.NameL2 {
		t.Errorf("it begins life %d behind %d as %+v", f.caution.lives, f.checkpoint.Offset, f.out.from)
	}
	who := identity{1}
	if broker.from != 4 || broker.to != 9 || f.filter.ids.add(binary.BigEndian.Uint64(who[:idBytes]), 21) {
		t.Errorf("it read from %d to %d, want 4 to 9, and the identities there known", broker.from, broker.to)
	}
	if !cmp.Equal(broker.asked, []time.Time{oldest.Add(-f.cfg.ReplayMargin)}) || !cmp.Equal(broker.behind, []Ledger{{"HAL9_VERDICTS": 5}}) {
		t.Errorf("it asked for what is stored since %v, behind %v", broker.asked, broker.behind)
	}
	for _, c := range []struct { // in the stream's order, as a stage works
		seq  uint64
		want int
	}{{20, 0}, {21, 1}} {
		if got := len(f.replay.missing(&Delivery{Seq: c.seq}, []Record{{ID: "verdict"}})); got != c.want {
			t.Errorf("of what follows from message %d and is stored, %d records are missing, want %d", c.seq, got, c.want)
		}
	}
}

// endingSource gives one burst, and then ends the stage.
type endingSource struct {
	fakeSource

	burst    []Delivery
	end      func()
	returned int
}

func (s *endingSource) Next(context.Context, time.Duration, int) ([]Delivery, error) {
	burst := s.burst
	if s.burst = nil; burst == nil {
		s.end()
	}
	return burst, nil
}

func (s *endingSource) Return() { s.returned++ }

// TestStopHandsOver stops a stage, and takes one away: who comes next must find a checkpoint in the first case, and nothing
// may be said any more in the other.
func TestStopHandsOver(t *testing.T) {
	for name, c := range map[string]struct {
		cause           error
		saved, returned int
	}{
		"told to stop": {errors.New("told to stop"), 1, 1},
		"lease lost":   {ErrLeaseLost, 0, 0},
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		ctx, cancel := context.WithCancelCause(t.Context())
		source := &endingSource{end: func() { cancel(c.cause) }}
		source.burst = []Delivery{{Seq: 1, Data: packOf(t, 1, &layers.Envelope{Signal: layers.Signal{ID: "a", Source: "s", Key: "k"}})}}
		f.stage.source, f.saved = source, time.Now()
		err := f.turns(ctx, t.Context(), func(context.Context) (bool, error) { return false, nil })
		if lost := errors.Is(err, ErrLeaseLost); lost != (c.saved == 0) || !lost && err != nil {
			t.Errorf("%s: error %v", name, err)
		}
		if len(f.checkpoints.saved) != c.saved || source.returned != c.returned || f.checkpoints.now.Offset != uint64(c.saved) {
			t.Errorf("%s: %d checkpoints were saved and messages returned %d times, want %d and %d",
				name, len(f.checkpoints.saved), source.returned, c.saved, c.returned)
		}
	}
}
