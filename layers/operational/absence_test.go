package operational

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// world feeds a layer and gives it the notices back that it sends, as L1 and L2 would.
type world struct {
	tb         testing.TB
	l          *Layer
	s          sent
	told       []string // texts of the notices
	situations map[string]*layers.Situation
	opened     []string
}

func newWorld(tb testing.TB, l *Layer) *world {
	tb.Helper()
	return &world{tb: tb, l: l, situations: map[string]*layers.Situation{}}
}

func (w *world) send(e *layers.Envelope) layers.Decision {
	w.tb.Helper()
	d := decide(w.tb, w.l, e)
	w.take(d.Events, e.ReceivedAt)
	return d
}

func (w *world) take(events []layers.Event, received time.Time) {
	w.tb.Helper()
	for _, event := range events {
		if s := event.Situation; s != nil {
			w.situations[s.ID] = s
			if s.Event == layers.SituationOpened {
				w.opened = append(w.opened, s.Title)
			}
			continue
		}
		w.told = append(w.told, event.Signal.Text)
		w.send(&layers.Envelope{Signal: *event.Signal, ReceivedAt: received})
	}
}

func (w *world) sample(source, key string, at time.Time) {
	w.tb.Helper()
	e := w.s.value(key, at, 41)
	e.Source = source
	w.send(e)
}

func (w *world) wantTold(parts ...string) {
	w.tb.Helper()
	if len(w.told) != len(parts) {
		w.tb.Fatalf("%d notices %q: want %d", len(w.told), w.told, len(parts))
	}
	for i, part := range parts {
		if !strings.Contains(w.told[i], part) {
			w.tb.Errorf("notice %q: want %q in it", w.told[i], part)
		}
	}
}

func TestAKeyThatStopsIsASituation(t *testing.T) {
	for _, every := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, time.Hour} {
		t.Run(every.String(), func(t *testing.T) {
			w := newWorld(t, newLayer(t))
			at := midnight
			for i := range 400 {
				at = at.Add(every)
				for key := range 5 {
					if key == 2 && i > 300 && i < 350 {
						continue
					}
					w.sample("node", fmt.Sprint("web-", key), at.Add(time.Duration(key)*time.Second))
				}
				if i == 300+max(5, int(5*time.Minute/every)) {
					w.wantTold("web-2 (source node) stopped")
				}
			}
			w.wantTold("web-2 (source node) stopped", "web-2 (source node) came again")
			if len(w.opened) != 1 || len(w.situations) != 1 {
				t.Fatalf("opened %q: want one situation", w.opened)
			}
			for _, s := range w.situations {
				if s.Event != layers.SituationClosed || s.Entities[0].Name != "web-2" || s.Severity != layers.SeverityWarning {
					t.Errorf("situation %+v: want it closed, about web-2, a warning", s)
				}
			}
		})
	}
}

func TestASourceThatStopsIsOneSituation(t *testing.T) {
	w := newWorld(t, newLayer(t))
	for i := range 200 {
		at := midnight.Add(time.Duration(i) * time.Minute)
		w.sample("other", "db-1", at)
		if i > 100 && i < 160 {
			continue
		}
		for key := range 300 {
			w.sample("node", fmt.Sprint("web-", key), at.Add(time.Duration(key)*time.Millisecond))
		}
	}
	w.wantTold("source node stopped", "source node came again")
	if len(w.opened) != 1 {
		t.Errorf("opened %q: want one", w.opened)
	}
}

func TestManyKeysThatStopAreOneReport(t *testing.T) {
	w := newWorld(t, newLayer(t))
	for i := range 200 {
		at := midnight.Add(time.Duration(i) * time.Minute)
		for key := range 100 {
			if i < 100 || key%2 == 0 {
				w.sample("node", fmt.Sprint("web-", key), at)
			}
		}
	}
	w.wantTold("web-1, web-11, web-13, web-15, web-17 and 45 more of source node stopped")
}

func TestSilenceOfEverythingIsNoticedByTheWallClock(t *testing.T) {
	for _, historic := range []bool{false, true} {
		w := newWorld(t, newLayer(t))
		at := midnight
		for range 100 {
			at = at.Add(time.Minute)
			e := w.s.value("web-1", at, 41)
			if historic {
				e.ReceivedAt = at.AddDate(3, 0, 0)
			}
			w.send(e)
		}
		if w.l.Waiting() == historic {
			t.Errorf("historic %v: waiting %v", historic, w.l.Waiting())
		}
		for range 200 {
			at = at.Add(5 * time.Second)
			if w.l.Waiting() {
				w.take(w.l.Tick(at), at)
			}
		}
		if historic {
			w.wantTold()
			continue
		}
		w.wantTold("web-1 (source test) stopped")
		w.sample("test", "web-1", at)
		w.wantTold("web-1 (source test) stopped", "web-1 (source test) came again")
	}
}

// TestIrregularStreamsAreNotMissed is about false alarms: none of these ever stops.
func TestIrregularStreamsAreNotMissed(t *testing.T) {
	gaps := map[string]func(*rand.Rand) float64{ // minutes
		"poisson":   func(r *rand.Rand) float64 { return 5 * r.ExpFloat64() },
		"bursts":    func(r *rand.Rand) float64 { return []float64{0.1, 0.1, 0.1, 40}[r.IntN(4)] * r.ExpFloat64() },
		"lossy":     func(r *rand.Rand) float64 { return []float64{1, 2}[r.IntN(50)/49] },
		"lognormal": func(r *rand.Rand) float64 { return 3 * r.NormFloat64() * r.NormFloat64() * r.NormFloat64() },
	}
	for name, gap := range gaps {
		random := rand.New(rand.NewPCG(7, 7))
		w := newWorld(t, newLayer(t))
		next := [10]float64{}
		for minute := range 4 * 24 * 60 {
			at := midnight.Add(time.Duration(minute) * time.Minute)
			w.sample("node", "steady", at)
			for key := range next {
				for next[key] <= float64(minute) {
					next[key] += max(gap(random), 0.01)
					w.sample("node", fmt.Sprint(name, key), at)
				}
			}
		}
		if len(w.told) > 1 {
			t.Errorf("%s: %d notices in four days of ten streams: %q", name, len(w.told), w.told)
		}
	}
}

// TestNightsAreNoAbsence is about streams that come by day only, while their source never sleeps.
func TestNightsAreNoAbsence(t *testing.T) {
	w := newWorld(t, newLayer(t))
	for minute := range 21 * 24 * 60 {
		at := midnight.Add(time.Duration(minute) * time.Minute)
		hour, day := minute/60%24, minute/60/24
		w.sample("node", "steady", at)
		if hour >= 8 && hour < 18 && day%7 < 5 && (day != 17 || hour < 11) {
			w.sample("node", "office", at)
		}
		if day == 8 && hour == 0 && minute%60 == 0 {
			w.told = nil // the first night, and the first weekend, may surprise
		}
	}
	stops := slices.DeleteFunc(w.told, func(text string) bool { return !strings.Contains(text, "stopped") })
	if len(stops) != 1 {
		t.Errorf("notices %q: want one, of the day on which it stops at eleven", w.told)
	}
}

func TestReplacedKeysAreNotMissed(t *testing.T) {
	w := newWorld(t, newLayer(t))
	for minute := range 600 {
		at := midnight.Add(time.Duration(minute) * time.Minute)
		for pod := range 3 {
			w.sample("kube", fmt.Sprintf("api-%d-x%d", minute/120, pod), at)
		}
		w.sample("kube", "db-0", at)
	}
	w.wantTold()
}

func TestASeriesThatStopsIsReportedForItsKey(t *testing.T) {
	w := newWorld(t, newLayer(t))
	for minute := range 200 {
		at := midnight.Add(time.Duration(minute) * time.Minute)
		for _, metric := range []string{"cpu", "memory", "disk"} {
			if metric == "disk" && minute > 100 {
				continue
			}
			e := w.s.value("web-1", at, 41)
			e.Labels = map[string]string{"metric": metric}
			w.send(e)
		}
	}
	w.wantTold("value disk metric of web-1 (source test) stopped")
}

func TestTheEndOfTroubleIsNoAbsence(t *testing.T) {
	w := newWorld(t, newLayer(t))
	for minute := range 300 {
		at := midnight.Add(time.Duration(minute) * time.Minute)
		w.sample("node", "steady", at)
		if minute < 150 {
			e := w.s.text("disk", at, layers.SeverityError, "disk full")
			e.Source = "node"
			w.send(e)
		}
	}
	w.wantTold()
}

// TestArrivalOrderWithinLatenessChangesNoNotice shuffles a day in which one key stops.
func TestArrivalOrderWithinLatenessChangesNoNotice(t *testing.T) {
	var want []string
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t, newLayer(t))
		var all []*layers.Envelope
		for minute := range 300 {
			for key := range 4 {
				if key != 1 || minute < 200 || minute > 230 {
					all = append(all, w.s.value(fmt.Sprint("web-", key), midnight.Add(time.Duration(minute)*time.Minute+time.Duration(key*10)*time.Second), 41))
				}
			}
		}
		if seed > 0 {
			all = delayed(random, all, w.l.cfg.Lateness)
		}
		for _, e := range all {
			w.send(e)
		}
		if seed == 0 {
			want = w.told
			w.wantTold("web-1 (source test) stopped", "web-1 (source test) came again")
		} else if len(w.told) != len(want) {
			t.Errorf("seed %d: notices %q: want %q", seed, w.told, want)
		}
	}
}
