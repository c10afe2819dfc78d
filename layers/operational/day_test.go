package operational

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// fleet makes the samples of hosts with five metrics each, a minute apart, such as nobody tuned anything to: a daily season with
// noise, a slow wander, a random walk within bounds, a skewed latency, counts.
type fleet struct {
	random *rand.Rand
	hosts  int
	wander []float64
	walk   []float64
}

var fleetMetrics = [...]string{"cpu", "memory", "disk", "latency", "requests"}

func (f *fleet) value(host, metric, minute int) float64 {
	season := math.Sin(2*math.Pi*(float64(minute)/1440+float64(host%5)/20)) + 1
	switch metric {
	case 0:
		return 20 + 10*season + 2*f.random.NormFloat64()
	case 1:
		f.wander[host] = 0.98*f.wander[host] + f.random.NormFloat64()
		return 60 + f.wander[host]
	case 2:
		f.walk[host] = min(max(f.walk[host]+f.random.NormFloat64(), 0), 100)
		return f.walk[host]
	case 3:
		return (20 + 10*season) * math.Exp(0.4*f.random.NormFloat64())
	default:
		mean := 50 + 100*season
		return math.Round(mean + math.Sqrt(mean)*f.random.NormFloat64())
	}
}

// trouble is what an incident does to a host's metric.
type trouble struct {
	host, metric int
	from, to     int // minutes
	change       func(float64) float64
}

func days(tb testing.TB, hosts, n int, troubles []trouble) (perDay []int, opened map[string]time.Time) {
	tb.Helper()
	f := &fleet{random: rand.New(rand.NewPCG(11, 4)), hosts: hosts, wander: make([]float64, hosts), walk: make([]float64, hosts)}
	for i := range f.walk {
		f.walk[i] = 50
	}
	w := newWorld(tb, newLayer(tb))
	opened = map[string]time.Time{}
	for minute := range n * 1440 {
		at := midnight.Add(time.Duration(minute) * time.Minute)
		for host := range hosts {
			for metric, name := range fleetMetrics {
				value := f.value(host, metric, minute)
				for _, t := range troubles {
					if t.host == host && t.metric == metric && minute >= t.from && minute < t.to {
						value = t.change(value)
					}
				}
				e := w.s.value(fmt.Sprint("host-", host), at, value)
				e.Type, e.Labels = name, map[string]string{"host": e.Key, "metric": name}
				w.send(e)
				if s := e.Findings.Situation; s != nil && s.Event == layers.SituationOpened {
					if name := fmt.Sprint(minute/1440, " ", s.Key); opened[name].IsZero() {
						opened[name] = at
					}
				}
			}
		}
		if (minute+1)%1440 == 0 {
			perDay = append(perDay, len(w.opened))
			if testing.Verbose() && len(w.opened) > 0 {
				reasons := map[string]int{}
				for _, title := range w.opened {
					for _, kind := range []string{"far above", "far below", "jumped", "fell", "recent mean", "hour of the day", "restless", "calm", "stopped", "unusually far"} {
						if strings.Contains(title, kind) {
							reasons[kind]++
						}
					}
				}
				tb.Log(minute/1440, len(w.opened), reasons)
			}
			w.opened = nil
		}
	}
	return perDay, opened
}

// TestQuietDaysOpenFewSituations watches 100 metrics for three days in which nothing happens.
func TestQuietDaysOpenFewSituations(t *testing.T) {
	perDay, _ := days(t, 20, 3, nil)
	t.Log("situations a day:", perDay)
	if perDay[0] > 30 || perDay[1] > 10 || perDay[2] > 3 {
		t.Errorf("%v situations on quiet days: want at most 30 on the first, 10 on the second, 3 on the third", perDay)
	}
}

// TestIncidentsAreHitWhereMuchIsWatched has eight hosts of twenty in trouble on the second day, one after the other.
func TestIncidentsAreHitWhereMuchIsWatched(t *testing.T) {
	at := func(n int) int { return 1440 + 120 + n*150 }
	times := func(x float64) func(float64) float64 { return func(v float64) float64 { return v * x } }
	flat := func(x float64) func(float64) float64 { return func(float64) float64 { return x } }
	troubles := []trouble{
		{0, 0, at(0), at(0) + 60, flat(95)},                                        // a cpu at its limit
		{1, 4, at(1), at(1) + 60, flat(0)},                                         // nobody comes any more
		{2, 3, at(2), at(2) + 60, times(8)},                                        // slow
		{3, 3, at(3), at(3) + 60, times(3)}, {3, 0, at(3), at(3) + 60, times(1.5)}, // mild in two metrics
		{4, 4, at(4), at(4) + 60, times(3)},                                  // a rush
		{5, 1, at(5), at(5) + 60, func(v float64) float64 { return v + 35 }}, // memory that is not given back
		{6, 2, at(6), at(6) + 60, flat(100)},                                 // a full disk
		{7, 0, at(7), at(7) + 60, flat(3)},                                   // idle
	}
	perDay, opened := days(t, 20, 2, troubles)
	hits, worst := 0, 0.0
	for i := range 8 {
		begin := midnight.Add(time.Duration(at(i)) * time.Minute)
		when, ok := opened[fmt.Sprintf("1 host-%d", i)]
		if ok && !when.Before(begin) && when.Before(begin.Add(time.Hour)) {
			hits++
			worst = max(worst, when.Sub(begin).Minutes())
		} else {
			t.Logf("host-%d is missed", i)
		}
	}
	t.Logf("%d of 8 incidents, after %v minutes at most; situations a day: %v", hits, worst, perDay)
	if hits < 7 || worst > 15 || perDay[1] > 20 {
		t.Errorf("%d of 8 incidents were hit, after %v minutes at most, with %d situations: want 7, 15 and 20", hits, worst, perDay[1])
	}
}
