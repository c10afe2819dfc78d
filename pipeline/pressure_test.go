package pipeline

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestStageHoldsWhileTheNextLayerIsBehind lets half of the next layer catch up after a while.
func TestStageHoldsWhileTheNextLayerIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t, StageKey{Layer: layers.NameL2, Partition: 1, Partitions: 4})
		var beats atomic.Int64
		f.beat = func() { beats.Add(1) }
		f.pressure.set("L3.00", BehindSome+1)
		f.pressure.set("L3.03", time.Hour)
		done := make(chan struct{})
		go func() { defer close(done); f.hold(t.Context(), 0) }()
		time.Sleep(time.Second)
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("the stage went on while half of the next layer was behind")
		default:
		}
		if n := beats.Load(); n < 100 {
			t.Errorf("%d beats in a second: a stage that holds back looks stuck", n)
		}
		f.pressure.set("L3.00", BehindSome)
		<-done
		if waited := f.pressure.asked.Load(); waited == 0 {
			t.Error("nobody asked how far the next layer is behind")
		}
	})
}

// TestL1MakesRoomForTheScout has the scout read what is old already: L1 waits, but no longer than its last burst took.
func TestL1MakesRoomForTheScout(t *testing.T) {
	l1 := StageKey{Layer: layers.NameL1, Partitions: 4}
	for name, c := range map[string]struct {
		key             StageKey
		took, lag, want time.Duration
	}{
		"the scout is far behind":     {l1, 300 * time.Millisecond, time.Hour, 300 * time.Millisecond},
		"the last burst took long":    {l1, 10 * time.Second, time.Hour, restMost},
		"it catches up":               {l1, 300 * time.Millisecond, scoutLag + 1, 100 * time.Millisecond},
		"it keeps up":                 {l1, 300 * time.Millisecond, scoutLag, 0},
		"another layer does not wait": {StageKey{Layer: layers.NameL2, Partitions: 4}, time.Second, time.Hour, 0},
		"nor does the scout":          {ScoutKey(4), time.Second, time.Hour, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, c.key)
			f.pressure.set(ScoutKey(4).Name(), c.lag)
			if c.lag < time.Hour {
				time.AfterFunc(100*time.Millisecond, func() { f.pressure.set(ScoutKey(4).Name(), scoutLag) })
			}
			began := time.Now()
			f.hold(t.Context(), c.took)
			if took := time.Since(began); took < c.want || took > c.want+2*holdPause {
				t.Errorf("%s: it waited for %s, want %s", name, took, c.want)
			}
			time.Sleep(time.Second) // until the lag was set
		})
	}
}

// TestScoutTellsHowOldItsReadingIs looks at what L1 is told.
func TestScoutTellsHowOldItsReadingIs(t *testing.T) {
	f := newFakes(t, ScoutKey(4))
	now := time.Now()
	f.deps.Now = func() time.Time { return now }
	for name, c := range map[string]struct {
		burst []Delivery
		want  time.Duration
	}{
		"old":                   {[]Delivery{{Stored: now}, {Stored: now.Add(-time.Second), Pending: 1}}, time.Second},
		"nothing came":          {nil, 0},
		"a clock that is ahead": {[]Delivery{{Stored: now.Add(time.Hour), Pending: 9}}, 0},
	} {
		f.report(c.burst, false)
		if told := f.pressure.told[f.key.Name()]; told != c.want {
			t.Errorf("%s: it tells %s, want %s", name, told, c.want)
		}
	}
	f.forget()
	if _, told := f.pressure.told[f.key.Name()]; told {
		t.Error("a scout at rest is still told of")
	}
}

func TestStageHoldsBackNoMoreThanItMust(t *testing.T) {
	critical := PartitionCritical
	for name, c := range map[string]struct {
		key    StageKey
		behind []string
		holds  bool
	}{
		"nobody is behind":           {StageKey{Layer: layers.NameL2, Partitions: 2}, nil, false},
		"the only partition":         {StageKey{Layer: layers.NameL2, Partitions: 1}, []string{"L3.00"}, true},
		"half":                       {StageKey{Layer: layers.NameL3, Partitions: 2}, []string{"L4.01"}, true},
		"one of three":               {StageKey{Layer: layers.NameL3, Partitions: 3}, []string{"L4.01"}, false},
		"its own layer":              {StageKey{Layer: layers.NameL3, Partitions: 1}, []string{"L3.00", "L2.00"}, false},
		"the layer after the next":   {StageKey{Layer: layers.NameL2, Partitions: 1}, []string{"L4.00"}, false},
		"L1 does not hold":           {StageKey{Layer: layers.NameL1, Partitions: 1}, []string{"L2.00"}, false},
		"critical signals do not":    {StageKey{Layer: layers.NameL2, Partition: critical, Partitions: 1}, []string{"L3.00"}, false},
		"the highest layer does not": {StageKey{Layer: layers.NameL5, Partitions: 1}, []string{"L5.00"}, false},
		"a stage without partitions": {StageKey{Layer: layers.NameL4}, []string{"L5.00"}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, c.key)
			for _, stage := range c.behind {
				f.pressure.set(stage, BehindSome+1)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			f.hold(ctx, 0)
			if held := ctx.Err() != nil; held != c.holds {
				t.Errorf("%s: held back %v, want %v", name, held, c.holds)
			}
		})
	}
	f := newFakes(t, StageKey{Layer: layers.NameL2, Partitions: 1})
	f.deps.Pressure = nil
	f.hold(t.Context(), 0) // must return
}

// TestCriticalSignalsOvertakeWhereTheirPartitionIsBehind sends through L1, the scout and a stage above.
func TestCriticalSignalsOvertakeWhereTheirPartitionIsBehind(t *testing.T) {
	const partitions = 4
	mine := PartitionOf("db-1", partitions)
	l1, l2 := StageKey{Layer: layers.NameL1, Partitions: partitions}, StageKey{Layer: layers.NameL2, Partitions: partitions}
	for name, c := range map[string]struct {
		key       StageKey
		severity  layers.Severity
		partition int // that is behind
		waiting   time.Duration
		want      string
	}{
		"critical and behind":      {l1, layers.SeverityCritical, mine, BehindSome + 1, "hal9.l2.critical"},
		"critical, at the limit":   {l1, layers.SeverityCritical, mine, BehindSome, SubjectOf(layers.NameL2, mine)},
		"critical, another behind": {l1, layers.SeverityCritical, (mine + 1) % partitions, time.Hour, SubjectOf(layers.NameL2, mine)},
		"an error and behind":      {l1, layers.SeverityError, mine, time.Hour, SubjectOf(layers.NameL2, mine)},
		"the scout, nobody behind": {ScoutKey(partitions), layers.SeverityCritical, mine, 0, "hal9.l2.critical"},
		"from L2 there is one way": {l2, layers.SeverityCritical, mine, time.Hour, SubjectOf(layers.NameL3, mine)},
	} {
		f := newFakes(t, c.key)
		f.pressure.set(StageName(layers.NameL2, c.partition), c.waiting)
		w := f.worker.(*layerWorker)
		p := &parcel{Envelope: layers.Envelope{Signal: layers.Signal{Key: "db-1", Severity: c.severity}}}
		if got := w.lane(p, false, f.out).subject; got != c.want {
			t.Errorf("%s: the signal goes to %s, want %s", name, got, c.want)
		}
		if c.key.Layer == layers.NameL1 && !c.key.Scouts() {
			w.cfg.InOrder = true
			if got, want := w.lane(p, false, f.out).subject, SubjectOf(layers.NameL2, mine); got != want {
				t.Errorf("%s, kept in order: the signal goes to %s, want %s", name, got, want)
			}
			w.cfg.InOrder = false
		}
		w.deps.Pressure = nil
		want := SubjectOf(layers.NameL2, mine)
		if c.key.Scouts() {
			want = "hal9.l2.critical"
		}
		if c.key.Layer == layers.NameL1 {
			if got := w.lane(p, false, f.out).subject; got != want {
				t.Errorf("%s, where nobody tells: the signal goes to %s, want %s", name, got, want)
			}
		}
	}
}

func TestLanes(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 4})
	w := f.worker.(*layerWorker)
	p := &parcel{Envelope: layers.Envelope{Signal: layers.Signal{Key: "db-1"}}}
	if got := w.lane(p, true, f.out).subject; got != "hal9.l3.0" {
		t.Errorf("what is to be correlated goes to %s", got)
	}
	l4 := newFakes(t, StageKey{Layer: layers.NameL4, Partitions: 4})
	for i := range 20 { // Situations meet at L4, and those of one key at L5, whatever the keys of their signals are.
		p.Findings.Situation = &layers.Situation{ID: fmt.Sprint("sit-", i), Key: "db-7"}
		p.Key = string(rune('a' + i))
		if got := w.lane(p, false, f.out).subject; got != "hal9.l4.0" {
			t.Errorf("key %s: a signal of the situation goes to %s", p.Key, got)
		}
		if got, want := l4.worker.(*layerWorker).lane(p, false, l4.out).subject, SubjectOf(layers.NameL5, PartitionOf("db-7", 4)); got != want {
			t.Errorf("key %s: a signal of the situation goes to %s, want %s", p.Key, got, want)
		}
	}
}

// TestReportsAreTimes lets a stage settle bursts and looks at what it tells and how much it takes in hand.
func TestReportsAreTimes(t *testing.T) {
	l3 := StageKey{Layer: layers.NameL3, Partition: 1, Partitions: 4}
	burst := func(n int, pending uint64) []Delivery {
		list := make([]Delivery, n)
		list[n-1].Pending = pending
		return list
	}
	f := newFakes(t, l3)
	f.report(burst(4, 1000), false)
	if told, window := f.pressure.told[l3.Name()], f.window(); told != 0 || window != 0 {
		t.Errorf("before the first burst it tells %s and has a window of %d", told, window)
	}
	f.pace.add(4, 40*time.Millisecond)
	f.speed = f.pace
	for name, c := range map[string]struct {
		settled bool
		want    time.Duration
	}{
		"what it has in hand counts": {false, 1040 * time.Millisecond},
		"until it is settled":        {true, time.Second},
	} {
		f.report(burst(4, 100), c.settled)
		if told := f.pressure.told[l3.Name()]; told != c.want {
			t.Errorf("%s: it tells %s, want %s", name, told, c.want)
		}
	}
	f.report(nil, true)
	if told := f.pressure.told[l3.Name()]; told != 0 {
		t.Errorf("it tells %s where nothing waits", told)
	}
	if got := f.window(); got != 1+int(windowTime/(10*time.Millisecond)) {
		t.Errorf("at 10 ms a message the window is %d", got)
	}
	for range 20 {
		f.pace.add(1, time.Second)
	}
	if got := f.pace.time(3); got < 2900*time.Millisecond || got > 3*time.Second {
		t.Errorf("after slow bursts it takes %s for 3 messages of a second", got)
	}
	if got := f.window(); got != 1 {
		t.Errorf("at a second a message the window is %d", got)
	}
	if got := f.pace.time(math.MaxUint64); got < 0 {
		t.Errorf("an endless backlog takes %s", got)
	}
	f.forget()
	if _, told := f.pressure.told[l3.Name()]; told {
		t.Error("a stage that has ended is still told of")
	}
	f.key.Layer, f.key.Partition = layers.NameL1, 0
	if got := f.window(); !f.key.Shared() || got != 1 {
		t.Errorf("at a second a message L1 has a window of %d", got)
	}
	if f.pace = (pace{}); f.window() != sharedFirst {
		t.Errorf("before its first burst L1 has a window of %d", f.window())
	}
}
