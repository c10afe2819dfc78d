package policy

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// knowing returns a policy that has measured 10 signals/s and wants so many replicas.
func knowing(cfg Config, wanted int) *Policy {
	p := New("L3", cfg)
	p.Resume(Decision{At: noon.Add(-time.Hour), Wanted: wanted, Rate: min(10, cfg.Rate), RateMeasured: true})
	return p
}

func TestDecide(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	zero := cfg
	zero.Min = 0
	for name, test := range map[string]struct {
		cfg     Config
		wanted  int // before
		reading Reading
		feed    float64
		want    int
		term    Term
	}{
		"idle":                                  {cfg, 5, Reading{Replicas: 5}, 0, 5, TermMin},
		"backlog: 3,000 ÷ (10/s × 30 s)":        {cfg, 5, Reading{Waiting: 2900, Working: 100, Replicas: 5}, 0, 10, TermDrain},
		"what is parked is no work":             {cfg, 5, Reading{Waiting: 100, Parked: 30_000, Replicas: 5}, 0, 5, TermMin},
		"maximum":                               {cfg, 5, Reading{Waiting: 100_000, Replicas: 5}, 0, 30, TermMax},
		"partitions":                            {cfg, 5, Reading{Waiting: 100_000, Replicas: 5, Partitions: 12}, 0, 12, TermUseful},
		"partitions with work":                  {cfg, 5, Reading{Waiting: 100_000, Replicas: 5, Partitions: 60, Busy: 7}, 0, 7, TermDrain},
		"no more replicas than signals":         {slow(cfg), 5, Reading{Waiting: 6, Replicas: 5}, 0, 6, TermDrain},
		"fewer partitions than the minimum":     {cfg, 5, Reading{Waiting: 100_000, Replicas: 5, Partitions: 1}, 0, 5, TermMin},
		"the next layer is the bottleneck":      {cfg, 6, Reading{Waiting: 9000, Replicas: 6, HeldBack: true}, 0, 6, TermDownstream},
		"what the layer below is about to send": {cfg, 5, Reading{Replicas: 5}, 120, 12, TermArrival},
		"within the dead band":                  {cfg, 10, Reading{Waiting: 3200, Replicas: 10}, 0, 10, TermDeadBand},
		"beyond it":                             {cfg, 10, Reading{Waiting: 3400, Replicas: 10}, 0, 12, TermDrain},
		"oldest signal too old":                 {long(cfg), 5, Reading{Waiting: 4000, Oldest: 61 * time.Second, Replicas: 5}, 0, 7, TermLatency},
		"oldest signal twice too old":           {long(cfg), 5, Reading{Waiting: 4000, Oldest: 3 * time.Minute, Replicas: 5}, 0, 14, TermLatency},
		"oldest signal not too old":             {long(cfg), 5, Reading{Waiting: 4000, Oldest: 59 * time.Second, Replicas: 5}, 0, 5, TermMin},
		"the oldest signal may be a parked one": {long(cfg), 5, Reading{Waiting: 4000, Parked: 1, Oldest: 3 * time.Minute, Replicas: 5}, 0, 5, TermMin},
		"not watched for long":                  {cfg, 20, Reading{Replicas: 20}, 0, 20, TermWatching},
		"from zero: the first signal":           {zero, 0, Reading{Waiting: 1}, 0, 1, TermDrain},
		"from zero: parked ones need somebody":  {zero, 0, Reading{Parked: 1}, 0, 1, TermMin},
		"from zero: nothing":                    {zero, 0, Reading{Parked: 0}, 0, 0, TermZero},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := knowing(test.cfg, test.wanted).Decide(noon, test.reading, test.feed)
			if d.Wanted != test.want || d.Term != test.term {
				t.Errorf("%d (%s), want %d (%s): %s", d.Wanted, d.Term, test.want, test.term, d.Reason)
			}
			if d.Reason == "" || !d.At.Equal(noon) || d.Layer != "L3" {
				t.Errorf("incomplete: %+v", d)
			}
		})
	}
}

// slow is a layer whose signals take minutes: a few are work for long.
func slow(cfg Config) Config { cfg.Rate = .01; return cfg }

// long is a layer that has much time for a backlog and little for one signal.
func long(cfg Config) Config { cfg.Drain = 10 * time.Minute; return cfg }

// TestWithinBounds: whatever is read, the number is one that was configured.
func TestWithinBounds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		cfg := DefaultConfig()
		cfg.Max = 1 + random.IntN(40)
		cfg.Min = random.IntN(cfg.Max + 1)
		cfg.DeadBand = random.Float64() / 2
		p, now, last := New("L3", cfg), noon, -1
		for range 200 {
			now = now.Add(time.Duration(random.IntN(5000)) * time.Millisecond)
			d := p.Decide(now, anyReading(random), random.Float64()*1e5)
			if d.Wanted < cfg.Min || d.Wanted > cfg.Max {
				t.Fatalf("%d replicas, allowed are %d to %d: %+v", d.Wanted, cfg.Min, cfg.Max, d)
			}
			if last >= 0 && d.Before != last {
				t.Fatalf("it forgot that it wanted %d: %+v", last, d)
			}
			if d.Wanted == 0 && (d.Reading.Unfinished() > 0 || d.ArrivalRate > 0) {
				t.Fatalf("nobody is there for what is unfinished: %+v", d)
			}
			last = d.Wanted
		}
	}
}

func anyReading(random *rand.Rand) Reading {
	return Reading{
		Waiting: anyCount(random), Working: anyCount(random), Parked: anyCount(random), Arrived: anyCount(random), Finished: anyCount(random),
		Oldest: time.Duration(random.Int64N(int64(time.Hour))), Replicas: random.IntN(40), Partitions: random.IntN(61), Busy: random.IntN(61),
		Crowded: random.IntN(2) == 0, HeldBack: random.IntN(2) == 0,
	}
}

// anyCount returns numbers of all sizes, 0 often.
func anyCount(random *rand.Rand) uint64 {
	if random.IntN(3) == 0 {
		return 0
	}
	return random.Uint64() >> random.IntN(64)
}

// TestMoreBacklogNeverMeansFewer: all else equal.
func TestMoreBacklogNeverMeansFewer(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		cfg := DefaultConfig()
		cfg.Min = random.IntN(6)
		r, feed, wanted := anyReading(random), random.Float64()*300, cfg.Min+random.IntN(25)
		last := Decision{}
		for _, waiting := range []uint64{0, 1, 10, 100, 1000, 3000, 5000, 7000, 9000, 20_000, 1e6, 1e12} {
			r.Waiting, r.Working = waiting, 0
			d := knowing(cfg, wanted).Decide(noon, r, feed)
			if d.Wanted < last.Wanted {
				t.Fatalf("fewer for more:\n%+v\n%+v", last, d)
			}
			last = d
		}
	}
}

// TestParkedChangesNothing but whether a layer may stand still. How old the others are can't be told beside them.
func TestParkedChangesNothing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		r, wanted := anyReading(random), 5+random.IntN(25)
		oldest := r.Oldest
		r.Parked, r.Oldest = 0, 0
		without := knowing(DefaultConfig(), wanted).Decide(noon, r, 0)
		r.Parked, r.Oldest = 1+random.Uint64N(1e9), oldest
		with := knowing(DefaultConfig(), wanted).Decide(noon, r, 0)
		if with.Wanted != without.Wanted {
			t.Fatalf("%d with parked signals, %d without:\n%+v", with.Wanted, without.Wanted, with)
		}
	}
}

func TestScaleToZeroTakesQuiet(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Min = 0
	p := New("L3", cfg)
	r := Reading{Replicas: 1, Arrived: 100, Finished: 99, Working: 1}
	now := noon
	for range 30 {
		now = now.Add(2 * time.Second)
		if d := p.Decide(now, r, 0); d.Wanted < 1 {
			t.Fatalf("nobody is there for the last signal: %s", d.Reason)
		}
	}
	r.Finished, r.Working = 100, 0
	d := p.Decide(now.Add(2*time.Second), r, 0)
	if d.Wanted != 0 || d.Term != TermZero || d.Active() {
		t.Errorf("it stays at %d: %s", d.Wanted, d.Reason)
	}
	r.Arrived, r.Waiting, r.Replicas = 101, 1, 0
	if d := p.Decide(now.Add(4*time.Second), r, 0); d.Wanted != 1 {
		t.Errorf("%d for the first signal: %s", d.Wanted, d.Reason)
	}
}

// TestSlowReplicasAreNotAskedForTwice: while the pods start, the backlog grows by what was foreseen.
func TestSlowReplicasAreNotAskedForTwice(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Min = 1
	p, now := knowing(cfg, 1), noon
	r := Reading{Replicas: 1}
	first := 0
	for i := range 20 {
		now = now.Add(2 * time.Second)
		r.Arrived += 60
		r.Finished += 20
		r.Waiting = r.Arrived - r.Finished
		d := p.Decide(now, r, 0)
		if i < 8 {
			continue
		}
		if first == 0 {
			first = d.Wanted
		}
		if d.Wanted > 4 {
			t.Fatalf("%d replicas for 30/s at 10/s each while those asked for are starting: %s", d.Wanted, d.Reason)
		}
	}
}

// TestClockThatGoesBack while pods start: the backlog is no larger for it.
func TestClockThatGoesBack(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{0, time.Hour} {
		p, now := knowing(simConfig(), 2), noon
		r := Reading{Replicas: 2, Partitions: 60}
		starting := false
		for range 60 {
			now = now.Add(2 * time.Second)
			r.Arrived += 60
			r.Finished += 40
			r.Waiting = r.Arrived - r.Finished
			d := p.Decide(now, r, 0)
			if d.Wanted > 5 || d.Asked.After(now) {
				t.Fatalf("%s back: %d replicas for 30/s at 10/s each, asked for at %s, it is %s: %s", back, d.Wanted, d.Asked, now, d.Reason)
			}
			if d.Coming > 0 && !starting {
				starting, now = true, now.Add(-back)
			}
		}
		if !starting {
			t.Error("no pod was asked for")
		}
	}
}

func TestTakeoverKeepsNumberAndRate(t *testing.T) {
	t.Parallel()
	last := knowing(DefaultConfig(), 17).Decide(noon, Reading{Waiting: 5000, Replicas: 17}, 0)
	for _, last := range []Decision{last, last.Failed(noon, "L3", "a consumer is missing", true)} {
		p := New("L3", DefaultConfig())
		p.Resume(last)
		d := p.Decide(noon.Add(time.Second), Reading{Waiting: 5000, Replicas: 3}, 0)
		if d.Wanted != 17 || d.Rate != 10 || !d.RateMeasured || d.Error != "" {
			t.Errorf("the successor wants %d at %g/s: %s", d.Wanted, d.Rate, d.Reason)
		}
	}
}

// TestNobodyDecidedYet: a predecessor that could not leaves no number, and the replicas that are there stay.
func TestNobodyDecidedYet(t *testing.T) {
	t.Parallel()
	p, never := New("L3", DefaultConfig()), Decision{}
	p.Resume(never.Failed(noon, "L3", "a consumer is missing", true))
	if d := p.Decide(noon.Add(time.Second), Reading{Replicas: 9}, 0); d.Wanted != 9 || d.Term != TermWatching {
		t.Errorf("%d of 9 stay (%s): %s", d.Wanted, d.Term, d.Reason)
	}
}

func TestDecisionSurvivesJSON(t *testing.T) {
	t.Parallel()
	d := knowing(DefaultConfig(), 7).Decide(noon, Reading{Waiting: 5000, Oldest: 1500 * time.Millisecond, Replicas: 7, Partitions: 60}, 3)
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"oldest_us":1500000`, `"drain_us":30000000`, `"up_every_us":60000000`, `"wanted":17`} {
		if !strings.Contains(string(data), key) {
			t.Errorf("no %s in %s", key, data)
		}
	}
	var back Decision
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, back); diff != "" {
		t.Errorf("-was +is\n%s", diff)
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	bad := Config{Min: 7, Max: 3, Drain: time.Millisecond, Latency: -1, PodStart: time.Hour, DeadBand: 2, Rate: -1}
	err := bad.Validate()
	for _, key := range []string{"min", "drain", "latency", "pod_start", "dead_band", "rate", "pace.up", "pace.down", "pace.up_every"} {
		if err == nil || !strings.Contains(err.Error(), "policy: "+key+" is ") {
			t.Errorf("nothing is said of %s: %v", key, err)
		}
	}
}
