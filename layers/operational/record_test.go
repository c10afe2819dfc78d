package operational

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

func TestWhatASurpriseIsWorth(t *testing.T) {
	near := func(got, want float64) bool { return math.Abs(got-want) < 0.01 }
	r := &record{}
	if got := r.calibrate(2.9, 500, 3, 0); got != 2.9 || len(r.events) > 0 {
		t.Errorf("what is below the bar is worth %v and noted %d times: want 2.9 and 0", got, len(r.events))
	}
	if got := r.calibrate(290, 500, 3, 0); !near(got, math.Log10(500*recordFaith)) {
		t.Errorf("what never came in 500 samples is worth %v", got)
	}
	if got := r.calibrate(290, 600, 3, 0); !near(got, math.Log10(600*recordFaith)) || len(r.events) != 1 {
		t.Errorf("the same event, 100 samples later, is worth %v and noted %d times: want it to be one", got, len(r.events))
	}
	last := 300.0
	for k := 1; k <= 20; k++ {
		got := r.calibrate(290, float64(500+k*episodeSamples), 3, 0)
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
	if got := r.calibrate(290, 500+21*episodeSamples+recordSpan, 3, 0); got < 6 || len(r.events) != 1 {
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

// TestTroubleIsNewsWhenItComesAgain has the same trouble on three days, and others that say how a series is.
func TestTroubleIsNewsWhenItComesAgain(t *testing.T) {
	days := []int{2*perDay + 30, 4*perDay + 200, 6*perDay + 120}
	tests := []struct {
		name  string
		at    []int // samples with which it begins
		lasts int   // samples
		news  bool  // whether the last time is worth as much as the first
	}{
		{"three days, at other times", days, 8, true},
		{"lonely peaks", days, 1, false},
		{"at the same time of the day", []int{2*perDay + 30, 4*perDay + 31, 6*perDay + 30}, 8, false},
		{"again and again", every(2*perDay, 220, 8*perDay), 8, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, random := &baseline{}, rand.New(rand.NewPCG(5, 6))
			worth := make([]float64, len(test.at))
			for i := range 8 * perDay {
				value := 40 + random.NormFloat64()
				which := slices.IndexFunc(test.at, func(at int) bool { return i >= at && i < at+test.lasts })
				if which >= 0 {
					value += 30
				}
				f := b.observe(value, fiveMinutes(i), true, surpriseOf(DefaultConfig().Threshold))
				if which >= 0 {
					worth[which] = max(worth[which], f.worth)
				}
			}
			first, last := worth[0], worth[len(worth)-1]
			if news := last >= first; first < 5 || news != test.news || !news && last > first-0.5 {
				t.Errorf("the times are worth %.2f: as much for the last as for the first is %v, want %v", worth, news, test.news)
			}
		})
	}
}

// TestTroubleThatFlapsIsOne asks an hour and a day after an event that lasted.
func TestTroubleThatFlapsIsOne(t *testing.T) {
	r := &record{}
	for i := range 10 {
		r.calibrate(20, float64(5000+i), 3, 100)
	}
	flapping, again := r.calibrate(15, 9000, 3, 101), r.calibrate(15, 9010, 3, 110)
	if again < flapping+1 {
		t.Errorf("within an hour it is worth %.2f and later %.2f: want more", flapping, again)
	}
}

// every lists the numbers from one on, so far apart, below an end.
func every(from, apart, end int) (list []int) {
	for i := from; i < end; i += apart {
		list = append(list, i)
	}
	return list
}

// TestManyAreMoreThanOneNowAndThen has a counter of failures that is 0 but for one now and then, and then far more.
func TestManyAreMoreThanOneNowAndThen(t *testing.T) {
	l, s := newLayer(t), &sent{}
	random := rand.New(rand.NewPCG(7, 8))
	const trouble = 2000
	opened := false
	for i := range trouble + 3 {
		value := 0.0
		switch {
		case i >= trouble:
			value = 15
		case random.IntN(50) == 0:
			value = 1
		}
		d := decide(t, l, s.value("web-1", midnight.Add(time.Duration(i)*time.Minute), value))
		opened = opened || i >= trouble && d.Disposition == layers.DispositionEscalated
	}
	if !opened {
		t.Error("15 failures where there was one now and then open no situation")
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
		n, lasted := 0, float32(0)
		for k := layer.keys.oldest; k != nil; k = k.newer {
			for i := range k.series {
				if b := k.series[i].numeric; b != nil {
					n += len(b.learnt.record.events)
					for _, e := range b.learnt.record.events {
						lasted += e.lasted
					}
				}
			}
		}
		if n != 3 || lasted != 6 {
			t.Errorf("%s the restart %d events of %v samples are known, want 3 of 6", name, n, lasted)
		}
	}
}
