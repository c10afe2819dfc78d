package policy

import (
	"testing"
	"time"
)

// TestSlowUpperLayerIsScaledByWhatWaitsBelow: L3 is the bottleneck, holds L2 back, and so never has much in its own queue. What
// waits below must count for it, and L2 must not be given replicas that would only wait.
func TestSlowUpperLayerIsScaledByWhatWaitsBelow(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Min, cfg.Rate = 2, 100
	chain := NewChain([]string{"L2", "L3"}, []Config{cfg, cfg})
	l2, l3 := Reading{Replicas: 2, Partitions: 60}, Reading{Replicas: 2, Partitions: 60}
	now := noon
	var d []*Decision
	for i := range 90 {
		now = now.Add(2 * time.Second)
		// 200/s come into L2, half of which climbs; L3 can 20/s, so L2 gets 40/s through.
		l2.Arrived += 400
		l2.Finished += 80
		l2.Waiting = l2.Arrived - l2.Finished
		l3.Arrived += 40
		l3.Finished += 40
		l3.Waiting, l3.Crowded, l2.HeldBack = 4, true, true
		d = chain.Decide(now, []*Reading{&l2, &l3})
		if d[0].Wanted > 2 {
			t.Fatalf("after %d s L2 is given %d replicas: %s", 2*i, d[0].Wanted, d[0].Reason)
		}
	}
	if d[1].Rate > 11 || !d[1].RateMeasured {
		t.Errorf("a replica of L3 is taken to do %g/s, it does 10", d[1].Rate)
	}
	if d[1].Wanted < 10 {
		t.Errorf("L3 gets %d replicas: 100/s are to come at 10/s each: %s", d[1].Wanted, d[1].Reason)
	}
}

// TestUnreadableLayerIsLeftOut: the others are decided without it.
func TestUnreadableLayerIsLeftOut(t *testing.T) {
	t.Parallel()
	chain := NewChain([]string{"L2", "L3", "L4"}, []Config{DefaultConfig(), DefaultConfig(), DefaultConfig()})
	d := chain.Decide(noon, []*Reading{{Replicas: 5}, nil, {Replicas: 5}})
	if d[0] == nil || d[1] != nil || d[2] == nil {
		t.Errorf("%v", d)
	}
}

// TestUpperLayerStandsStillAgain after something climbed once: what is expected of a share that fades is nothing at some time.
func TestUpperLayerStandsStillAgain(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{1000, 0.01} { // of a replica of L5
		low, zero := DefaultConfig(), DefaultConfig()
		zero.Min, zero.Rate = 0, rate
		chain := NewChain([]string{"L4", "L5"}, []Config{low, zero})
		l4, l5 := Reading{Replicas: 5, Partitions: 60}, Reading{Replicas: 1, Partitions: 60}
		now := noon
		var d []*Decision
		run := func(forTime time.Duration, climb uint64) {
			for end := now.Add(forTime); now.Before(end); {
				now = now.Add(2 * time.Second)
				l4.Arrived += 20
				l4.Finished += 20
				l5.Arrived += climb
				l5.Finished += climb
				d = chain.Decide(now, []*Reading{&l4, &l5})
			}
		}
		run(time.Minute, 1)
		if d[1].Wanted == 0 || d[1].Feed < 0.4 || d[1].Feed > 0.6 {
			t.Errorf("one in two seconds climbs: %d replicas, %g/s are expected: %s", d[1].Wanted, d[1].Feed, d[1].Reason)
		}
		run(5*time.Minute, 0)
		if d[1].Wanted != 0 || d[1].Term != TermZero || d[1].Feed != 0 {
			t.Errorf("nothing has climbed for 5 minutes: %d replicas (%s), %g/s are expected: %s", d[1].Wanted, d[1].Term, d[1].Feed, d[1].Reason)
		}
	}
}
