package reflexive_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// story makes alerts of some conditions that fire, repeat themselves, ease, get worse, and end with one severity or another.
func story(random *rand.Rand, n int) []*layers.Envelope {
	var all []*layers.Envelope
	firing := make([]bool, 6)
	for i := range n {
		c := random.IntN(len(firing))
		e := alert(uint64(i+1), "firing")
		e.Key, e.Severity, e.Time = fmt.Sprint("db-", c), layers.SeverityCritical, noon.Add(time.Duration(i)*3*time.Minute)
		switch chance := random.IntN(10); {
		case !firing[c]:
			firing[c] = true
		case chance == 0:
			e.Severity = layers.SeverityWarning
		case chance < 3:
			firing[c] = false
			e.Labels["alertstatus"] = "resolved"
			e.Severity = []layers.Severity{layers.SeverityInfo, layers.SeverityCritical}[random.IntN(2)]
		}
		all = append(all, e)
	}
	return all
}

// copyOf returns an envelope that layers may add to.
func copyOf(e *layers.Envelope) *layers.Envelope {
	c := *e
	return &c
}

// overtake lets a scout decide what is critical from one signal on up to another, while L1 stands before an earlier one, and L1 all else in
// its turn.
func overtake(t *testing.T, all []*layers.Envelope, stands, from, to int) []layers.Disposition {
	t.Helper()
	l := newLayer(t, reflexive.DefaultConfig())
	scout, err := l.Scout()
	if err != nil {
		t.Fatal(err)
	}
	list := make([]layers.Disposition, len(all))
	for i := range all[:stands] {
		list[i] = decide(t, l, copyOf(all[i])).Disposition
	}
	scout.Begin()
	for i := from; i < to; i++ {
		scout.Sees(copyOf(all[i]))
		if all[i].Severity == layers.SeverityCritical {
			list[i] = decide(t, scout, copyOf(all[i])).Disposition
		}
	}
	for i := stands; i < len(all); i++ {
		if i >= from && i < to && all[i].Severity == layers.SeverityCritical {
			l.Passes(copyOf(all[i]))
			l.Passes(copyOf(all[i])) // It may be delivered again.
			continue
		}
		list[i] = decide(t, l, copyOf(all[i])).Disposition
	}
	return list
}

// TestOvertakingChangesNoSuppression plays stories to L1 alone, and to L1 with a scout. Of what fires when the scout sets out it lets one alert
// climb that repeats what was said; all else is answered as in order, before, within and behind the scout's range.
func TestOvertakingChangesNoSuppression(t *testing.T) {
	again, all := 0, 0
	for seed := range uint64(200) {
		told := story(rand.New(rand.NewPCG(seed, 7)), 120)
		want := overtake(t, told, len(told), 0, 0)
		got := overtake(t, told, 40, 40, 80)
		seen := map[string]bool{}
		for i := range told {
			first := i >= 40 && i < 80 && !seen[told[i].Key] && told[i].Severity == layers.SeverityCritical
			if i >= 40 && told[i].Severity == layers.SeverityCritical {
				seen[told[i].Key] = true
			}
			if all++; got[i] == want[i] {
				continue
			}
			if again++; !first || got[i] != layers.DispositionEscalated {
				t.Fatalf("seed %d, alert %d (%s, %s, %s): %s, in order %s", seed, i, told[i].Key, told[i].Labels["alertstatus"], told[i].Severity, got[i], want[i])
			}
		}
	}
	if again == 0 || again > all/20 {
		t.Errorf("%d of %d alerts are answered otherwise than in order: want few, and some", again, all)
	}
}

// TestOvertakingHoldsNoNewsBack has the scout not see what stands before its range: whatever L1 would have let climb climbs.
func TestOvertakingHoldsNoNewsBack(t *testing.T) {
	for seed := range uint64(200) {
		told := story(rand.New(rand.NewPCG(seed, 8)), 120)
		want, got := overtake(t, told, len(told), 0, 0), overtake(t, told, 30, 50, 90)
		for i := 50; i < 90; i++ {
			if told[i].Severity == layers.SeverityCritical && want[i] == layers.DispositionEscalated && got[i] != want[i] {
				t.Fatalf("seed %d, alert %d (%s): %s, in order %s", seed, i, told[i].Key, got[i], want[i])
			}
		}
	}
}

// TestScoutKnowsWhatFiresSinceTheSameStart lets other critical alerts that L1 knows climb, since the scout may have missed their end.
func TestScoutKnowsWhatFiresSinceTheSameStart(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	want(t, decide(t, l, alert(1, "firing")), layers.DispositionEscalated, "", "")
	for start, climbs := range map[time.Duration]layers.Disposition{time.Second: layers.DispositionSuppressed, time.Minute: layers.DispositionEscalated} {
		scout, err := l.Scout()
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(3) {
			want(t, decide(t, scout, at(alert(2+i, "firing"), noon.Add(start))), climbs, "", "")
			climbs = layers.DispositionSuppressed
		}
	}
	want(t, decide(t, l, at(alert(5, "firing"), noon.Add(time.Second))), layers.DispositionSuppressed, "", "seen 2 times") // L1 heard nothing of it.
}

// TestInhibitionHoldsAheadOfL1 has the scout see an alert that explains others, and its end, before L1 does.
func TestInhibitionHoldsAheadOfL1(t *testing.T) {
	l := newReal(t, withInhibit)
	scout, err := l.Scout()
	if err != nil {
		t.Fatal(err)
	}
	target := func(origin uint64) *layers.Envelope { return victim(origin, "n1", layers.SeverityWarning) }
	decide(t, scout, node(1, "firing", layers.SeverityCritical))
	want(t, decide(t, scout, target(2)), layers.DispositionSuppressed, "inhibit:node-down", "")
	want(t, decide(t, l, target(3)), layers.DispositionEscalated, "", "")
	decide(t, l, node(1, "firing", layers.SeverityCritical))
	decide(t, scout, node(4, "resolved", layers.SeverityCritical))
	want(t, decide(t, scout, target(5)), layers.DispositionEscalated, "", "")
	want(t, decide(t, l, target(6)), layers.DispositionSuppressed, "inhibit:node-down", "")
}
