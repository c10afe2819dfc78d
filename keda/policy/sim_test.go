package policy

import (
	"math"
	"testing"
	"time"
)

// plant is a layer as fluid: replicas that start late and work off a queue in order.
type plant struct {
	cfg      Config
	policy   *Policy
	rate     float64 // of one replica
	start    time.Duration
	ceiling  float64 // what the layer can finish at all; 0: no bound
	now      time.Time
	queue    float64
	arrived  float64
	finished float64
	live     int
	starting []time.Time
	since    time.Time // since when there is a queue

	peak      int
	turns     int // changes of direction of what is wanted
	direction int
	last      Decision
}

func newPlant(cfg Config, rate float64, live int) *plant {
	return &plant{cfg: cfg, policy: New("L3", cfg), rate: rate, start: cfg.PodStart, live: live, now: time.Unix(1e9, 0), last: Decision{Wanted: live}}
}

// step lets time pass during which signals come in, and asks the policy.
func (p *plant) step(d time.Duration, coming float64) Decision {
	p.now = p.now.Add(d)
	can := float64(p.live) * p.rate * d.Seconds()
	if p.ceiling > 0 {
		can = min(can, p.ceiling*d.Seconds())
	}
	p.arrived += coming
	p.queue += coming
	did := min(p.queue, can)
	p.queue -= did
	p.finished += did
	switch {
	case p.queue < 0.5:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = p.now
	}
	for len(p.starting) > 0 && !p.starting[0].After(p.now) {
		p.starting = p.starting[1:]
		p.live++
	}
	r := Reading{
		Waiting: uint64(math.Round(p.queue)), Arrived: uint64(p.arrived), Finished: uint64(p.finished), Replicas: p.live, Partitions: 60,
	}
	if !p.since.IsZero() && p.queue > 0 {
		r.Oldest = time.Duration(p.queue / max(p.arrived/p.now.Sub(time.Unix(1e9, 0)).Seconds(), 1e-9) * float64(time.Second))
		r.Oldest = min(r.Oldest, p.now.Sub(p.since))
	}
	dec := p.policy.Decide(p.now, r, 0)
	p.follow(dec)
	return dec
}

// follow starts and stops replicas at once, as an autoscaler without bounds would.
func (p *plant) follow(d Decision) {
	for p.live+len(p.starting) < d.Wanted {
		p.starting = append(p.starting, p.now.Add(p.start))
	}
	for p.live+len(p.starting) > d.Wanted && len(p.starting) > 0 {
		p.starting = p.starting[:len(p.starting)-1]
	}
	p.live = min(p.live, d.Wanted)
	switch direction := sign(d.Wanted - p.last.Wanted); {
	case direction == 0:
	case p.direction != 0 && direction != p.direction:
		p.turns++
		p.direction = direction
	default:
		p.direction = direction
	}
	p.peak = max(p.peak, d.Wanted)
	p.last = d
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

// run lets a steady stream come for a time.
func (p *plant) run(perSecond float64, d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); {
		p.step(2*time.Second, 2*perSecond)
	}
}

func simConfig() Config {
	cfg := DefaultConfig()
	cfg.Min, cfg.Rate = 1, 50
	return cfg
}

func TestBurstIsDrainedInTimeWithoutOvershoot(t *testing.T) {
	t.Parallel()
	for _, assumed := range []float64{2, 10, 50, 1000} {
		cfg := simConfig()
		cfg.Rate = assumed
		p := newPlant(cfg, 10, 1)
		p.run(5, 2*time.Minute)
		began := p.now
		p.step(2*time.Second, 3000)
		for p.queue > 1 && p.now.Sub(began) < 10*time.Minute {
			p.step(2*time.Second, 10)
		}
		// 3,000 signals in 30 s at 10 signals/s each are 10 replicas.
		if took := p.now.Sub(began); took > cfg.Drain+cfg.PodStart+20*time.Second {
			t.Errorf("assumed %g/s: drained after %s: want %s, the start of the pods and what measuring takes", assumed, took, cfg.Drain)
		}
		if p.peak < 9 || p.peak > 13 {
			t.Errorf("assumed %g/s: %d replicas at most: want 10, and no third more", assumed, p.peak)
		}
		p.run(5, 10*time.Minute)
		if p.last.Wanted != 1 {
			t.Errorf("assumed %g/s: %d replicas remain (%s)", assumed, p.last.Wanted, p.last.Reason)
		}
	}
}

// TestFloodOfSecondsIsABurst: what comes for less than pods take to start is not taken to go on.
func TestFloodOfSecondsIsABurst(t *testing.T) {
	t.Parallel()
	p := newPlant(simConfig(), 10, 1)
	p.run(5, 2*time.Minute)
	p.run(300, 10*time.Second)
	p.run(5, 5*time.Minute)
	if p.peak < 9 || p.peak > 13 {
		t.Errorf("%d replicas at most: want 10 for 3,000 signals in 30 s at 10/s, and no third more", p.peak)
	}
}

func TestStepSettlesOnWhatComesIn(t *testing.T) {
	t.Parallel()
	p := newPlant(simConfig(), 10, 1)
	p.run(5, time.Minute)
	p.run(95, 5*time.Minute)
	if p.peak < 10 || p.peak > 13 {
		t.Errorf("%d replicas at most: want 10 for 95/s at 10/s, and no third more", p.peak)
	}
	p.turns, p.direction = 0, 0
	before := p.last.Wanted
	p.run(95, time.Hour)
	if p.turns > 0 || p.last.Wanted != before {
		t.Errorf("it turned %d times under a constant load, from %d to %d (%s)", p.turns, before, p.last.Wanted, p.last.Reason)
	}
	if p.queue > 95*p.cfg.Drain.Seconds()*1.2 {
		t.Errorf("%.0f signals wait after an hour: more than a drain time's", p.queue)
	}
}

// TestNoFlappingUnderNoise: what comes in varies by a tenth, and the number stays.
func TestNoFlappingUnderNoise(t *testing.T) {
	t.Parallel()
	p := newPlant(simConfig(), 10, 1)
	p.run(93, 10*time.Minute)
	p.turns, p.direction = 0, 0
	for i := range 1800 {
		p.step(2*time.Second, 2*(93+9*math.Sin(float64(i)*1.7)))
	}
	if p.turns > 1 {
		t.Errorf("it turned %d times in an hour", p.turns)
	}
}

// TestNoMoreWhereMoreBringNothing: the layer can finish 60/s whatever its replicas, and it stops asking.
func TestNoMoreWhereMoreBringNothing(t *testing.T) {
	t.Parallel()
	p := newPlant(simConfig(), 10, 1)
	p.ceiling = 60
	p.run(5, time.Minute)
	p.run(300, 4*time.Minute)
	if p.last.Wanted == p.cfg.Max {
		t.Errorf("it went to the maximum of %d, though 6 do what can be done", p.cfg.Max)
	}
	if p.last.Term != TermNoGain {
		t.Errorf("%s: %s", p.last.Term, p.last.Reason)
	}
}
