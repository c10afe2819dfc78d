package operational

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// incident makes flagged signals of several groups, each with its own source and with pauses
// that are shorter than SituationGap - Lateness inside an incident and longer than SituationGap
// + Lateness between two.
func incident(random *rand.Rand, cfg Config) []*layers.Envelope {
	s := &sent{}
	var all []*layers.Envelope
	for group := range 3 {
		at := midnight.Add(time.Duration(random.IntN(600)) * time.Second)
		for range 3 {
			for range 1 + random.IntN(12) {
				severity := layers.SeverityWarning + layers.Severity(random.IntN(3))
				e := s.flagged(fmt.Sprint("key-", random.IntN(4)), at, severity, 0.6)
				e.Source = fmt.Sprint("group-", group)
				e.Key = e.Source + e.Key
				all = append(all, e)
				at = at.Add(time.Duration(random.Int64N(int64(cfg.SituationGap - cfg.Lateness))))
			}
			at = at.Add(cfg.SituationGap + cfg.Lateness + time.Second + time.Duration(random.Int64N(int64(time.Hour))))
		}
	}
	slices.SortStableFunc(all, func(a, b *layers.Envelope) int { return a.Time.Compare(b.Time) })
	return all
}

// delayed returns the envelopes in an order that delays each by less than the lateness.
func delayed(random *rand.Rand, all []*layers.Envelope, lateness time.Duration) []*layers.Envelope {
	arrival := map[*layers.Envelope]time.Time{}
	for _, e := range all {
		arrival[e] = e.Time.Add(time.Duration(random.Int64N(int64(lateness))))
	}
	shuffled := slices.Clone(all)
	slices.SortStableFunc(shuffled, func(a, b *layers.Envelope) int {
		return cmp.Or(arrival[a].Compare(arrival[b]), cmp.Compare(a.ID, b.ID))
	})
	return shuffled
}

// grouping returns which signals ended together, whatever the situations are called.
func grouping(t *testing.T, cfg Config, all []*layers.Envelope) []string {
	t.Helper()
	l := newLayer(t, func(c *Config) { *c = cfg })
	members := map[string][]string{}
	for _, e := range all {
		fresh := *e
		decide(t, l, &fresh)
		if fresh.Findings.Situation == nil {
			t.Fatalf("%s is in no situation", e.ID)
		}
		id := fresh.Findings.Situation.ID
		members[id] = append(members[id], e.ID)
	}
	var groups []string
	for _, ids := range members {
		slices.Sort(ids)
		groups = append(groups, strings.Join(ids, " "))
	}
	slices.Sort(groups)
	return groups
}

func TestArrivalOrderWithinLatenessChangesNoSituation(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		cfg := DefaultConfig()
		cfg.Lateness = time.Duration(1+random.IntN(300)) * time.Second
		all := incident(random, cfg)
		want := grouping(t, cfg, all)
		if len(want) != 9 {
			t.Fatalf("seed %d: %d situations of 9 incidents", seed, len(want))
		}
		for range 5 {
			if got := grouping(t, cfg, delayed(random, all, cfg.Lateness)); !slices.Equal(got, want) {
				t.Fatalf("seed %d: another arrival order gives\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

func TestMildDisorderDoesNotHideASpike(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		s := &sent{}
		var all []*layers.Envelope
		for i := range 400 {
			value := steady(i)
			if i == 300 {
				value = 500
			}
			all = append(all, s.value("web-1", midnight.Add(time.Duration(i)*10*time.Second), value))
		}
		l := newLayer(t)
		var opened []string
		for _, e := range delayed(random, all, l.cfg.Lateness) {
			if decide(t, l, e).Disposition == layers.DispositionEscalated {
				opened = append(opened, number(e.Value))
			}
		}
		if !slices.Equal(opened, []string{"500"}) {
			t.Errorf("seed %d: %v opened situations: want the spike alone", seed, opened)
		}
	}
}
