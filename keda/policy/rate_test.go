package policy

import (
	"testing"
	"time"
)

// TestRateOfOwnersThatGetFewer: a hot key is left of a backlog. That few replicas work on it makes none of them faster.
func TestRateOfOwnersThatGetFewer(t *testing.T) {
	t.Parallel()
	p, now := New("L3", DefaultConfig()), noon
	r := Reading{Replicas: 12, Partitions: 60, Busy: 60, Arrived: 20_000}
	step := func(finished uint64) Decision {
		now = now.Add(2 * time.Second)
		r.Finished += finished
		r.Waiting = r.Arrived - r.Finished
		return p.Decide(now, r, 0)
	}
	for range 15 {
		step(240) // Twelve at 10/s.
	}
	r.Busy = 3
	d := Decision{}
	for range 15 {
		if d = step(60); d.Rate > 11 { // Three of them.
			t.Fatalf("a replica is taken to do %g/s, it does 10", d.Rate)
		}
	}
	if d.Rate < 9 {
		t.Errorf("a replica is taken to do %g/s in the end, it does 10", d.Rate)
	}
}

// TestNothingSaysSomethingInTime: only where signals should have been finished, and not in a pause as partitions make that move.
func TestNothingSaysSomethingInTime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		speed     speed
		meanwhile time.Duration
		want      bool
	}{
		"long enough":          {speed{rate: 10, measured: true}, measureMost, true},
		"a pause":              {speed{rate: 10, measured: true}, measureMost - time.Second, false},
		"never seen to finish": {speed{rate: 10}, time.Hour, false},
		"minutes for a signal": {speed{rate: 0.01, measured: true}, time.Minute, false},
		"in the end, too":      {speed{rate: 0.01, measured: true}, 4 * time.Minute, true},
	} {
		if got := test.speed.missed(5, test.meanwhile); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
