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
	ceiling  float64 // what the layer can finish at all, signals/s
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
	return &plant{cfg: cfg, policy: New("L3", cfg), rate: rate, start: cfg.PodStart, live: live, ceiling: math.Inf(1), now: time.Unix(1e9, 0), last: Decision{Wanted: live}}
}

// step lets time pass during which signals come in, and asks the policy.
func (p *plant) step(d time.Duration, coming float64) Decision {
	p.now = p.now.Add(d)
	can := min(float64(p.live)*p.rate, p.ceiling) * d.Seconds()
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

// TestNoMoreWhereMoreBringNothing: the layer can finish so much whatever its replicas, and it stops asking.
func TestNoMoreWhereMoreBringNothing(t *testing.T) {
	t.Parallel()
	for ceiling, most := range map[float64]int{60: 10, 0.1: 14, 0: 14} {
		p := newPlant(simConfig(), 10, 1)
		p.run(95, 5*time.Minute) // 10 replicas' work
		before := p.last.Wanted
		p.ceiling = ceiling
		p.run(300, 4*time.Minute)
		if p.last.Wanted > max(before, most) {
			t.Errorf("%d replicas though all finish %g/s together: %s", p.last.Wanted, ceiling, p.last.Reason)
		}
		if p.last.Term != TermNoGain {
			t.Errorf("%g/s: %s: %s", ceiling, p.last.Term, p.last.Reason)
		}
		p.ceiling = math.Inf(1)
		p.run(300, time.Minute)
		if p.last.Wanted < 30 {
			t.Errorf("nothing holds it up any more, and it gets %d replicas only: %s", p.last.Wanted, p.last.Reason)
		}
	}
}

// TestOutageIsNotAnsweredWithReplicas: nothing or next to nothing is finished any more, and pods come five a minute as long as more are
// asked for. One try in five minutes is enough.
func TestOutageIsNotAnsweredWithReplicas(t *testing.T) {
	t.Parallel()
	for name, finished := range map[string]func(i int) uint64{
		"nothing":                        func(int) uint64 { return 0 },
		"one in 20 s":                    func(i int) uint64 { return uint64(i % 10 / 9) },
		"next to nothing, then a little": func(i int) uint64 { return uint64(i / 100) },
		"as little, all the time":        func(int) uint64 { return 1 },
	} {
		p, now := New("L4", DefaultConfig()), noon
		r := Reading{Replicas: 5, Partitions: 60}
		step := func(finished uint64) Decision {
			now = now.Add(2 * time.Second)
			r.Arrived += 104
			r.Finished += finished
			r.Waiting = r.Arrived - r.Finished + 200
			return p.Decide(now, r, 0)
		}
		for range 30 {
			step(100)
		}
		for i := range 300 {
			if d := step(finished(i)); i%30 == 29 && r.Replicas < d.Wanted {
				r.Replicas = min(d.Wanted, r.Replicas+5)
			}
		}
		if r.Replicas > 15 {
			t.Errorf("%s is finished, and %d replicas are there after 10 minutes", name, r.Replicas)
		}
	}
}

// TestNothingFinishedYetIsNoBottleneck: whoever has not begun to work, or takes minutes for a signal, may get more.
func TestNothingFinishedYetIsNoBottleneck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known bool
		rate  float64
		live  int
		start time.Duration // of a pod
	}{
		"never measured":       {false, 10, 1, 20 * time.Second},
		"no pod yet":           {true, 10, 0, time.Hour},
		"minutes for a signal": {true, 0.005, 1, 20 * time.Second},
	} {
		cfg := simConfig()
		cfg.Rate = test.rate
		p := newPlant(cfg, test.rate, test.live)
		p.start = test.start
		if test.known {
			p.policy = knowing(cfg, 1)
		}
		p.ceiling = 0
		p.run(20, 3*time.Minute)
		if p.last.Wanted < 20 || p.last.Term == TermNoGain {
			t.Errorf("%s: %d replicas (%s): %s", name, p.last.Wanted, p.last.Term, p.last.Reason)
		}
	}
}
