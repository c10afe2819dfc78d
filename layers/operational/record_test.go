package operational

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestWhatASurpriseIsWorth(t *testing.T) {
	near := func(got, want float64) bool { return math.Abs(got-want) < 0.01 }
	r := &record{}
	if got := r.calibrate(2.9, 500, 3); got != 2.9 || len(r.events) > 0 {
		t.Errorf("what is below the bar is worth %v and noted %d times: want 2.9 and 0", got, len(r.events))
	}
	if got := r.calibrate(290, 500, 3); !near(got, math.Log10(500*recordFaith)) {
		t.Errorf("what never came in 500 samples is worth %v", got)
	}
	if got := r.calibrate(290, 600, 3); !near(got, math.Log10(600*recordFaith)) || len(r.events) != 1 {
		t.Errorf("the same event, 100 samples later, is worth %v and noted %d times: want it to be one", got, len(r.events))
	}
	last := 300.0
	for k := 1; k <= 20; k++ {
		got := r.calibrate(290, float64(500+k*episodeSamples), 3)
		if got > last+0.1 {
			t.Errorf("what came %d times before is worth %v, and %v the time before", k, got, last)
		}
		last = got
	}
	if want := math.Log10(math.Pow(recordFaith, 1.0/9) * episodeSamples * 8 / 9); math.Abs(last-want) > 0.2 {
		t.Errorf("what comes every %d samples is worth %v, want about %v", episodeSamples, last, want)
	}
	if len(r.events) != recordsKept {
		t.Errorf("%d events are kept, want %d", len(r.events), recordsKept)
	}
	if got := r.calibrate(290, 500+21*episodeSamples+recordSpan, 3); got < 6 || len(r.events) != 1 {
		t.Errorf("after %d samples it is worth %v with %d events: want all before forgotten", recordSpan, got, len(r.events))
	}
}

// TestWhatComesAgainAndAgainOpensNoSituation has a counter that is 0 but for one sample in five hundred.
func TestWhatComesAgainAndAgainOpensNoSituation(t *testing.T) {
	l, s := newLayer(t), &sent{}
	random := rand.New(rand.NewPCG(3, 4))
	opened, seen, late := 0, 0, 0
	for i := range 20_000 {
		value := 0.0
		if random.IntN(500) == 0 {
			value, seen = 1, seen+1
		}
		d := decide(t, l, s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), value))
		for _, event := range d.Events {
			if event.Situation != nil && event.Situation.Event == layers.SituationOpened {
				if opened++; i > 5_000 {
					late++
				}
			}
		}
	}
	if opened == 0 || opened > 6 || late > 1 {
		t.Errorf("%d situations of %d, %d of them late: want the first ones only", opened, seen, late)
	}
}

// TestRestartKeepsWhatASeriesHasDone restores a series with events.
func TestRestartKeepsWhatASeriesHasDone(t *testing.T) {
	l, s := newLayer(t), &sent{}
	for i := range 1000 {
		value := steady(i)
		if i > 100 && i%250 == 0 {
			value = 500
		}
		decide(t, l, s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), value))
	}
	snapshot, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	restored := newLayer(t)
	if err := restored.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	for name, layer := range map[string]*Layer{"before": l, "after": restored} {
		n := 0
		for k := layer.keys.oldest; k != nil; k = k.newer {
			for i := range k.series {
				if b := k.series[i].numeric; b != nil {
					n += len(b.learnt.record.events)
				}
			}
		}
		if n != 3 {
			t.Errorf("%s the restart %d events are known, want 3", name, n)
		}
	}
}
