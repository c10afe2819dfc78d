package load

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
)

// server answers tasks as a test wants it.
type server func(ctx context.Context, t task) error

func (s server) perform(ctx context.Context, t task) error { return s(ctx, t) }

// takes returns a server that is busy for so long.
func takes(d time.Duration) server {
	return func(ctx context.Context, _ task) error { return hold(ctx, d) }
}

// hold waits for so long, or until ctx ends.
func hold(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func testConfig(users int, rate float64, d time.Duration) Config {
	cfg := DefaultConfig()
	cfg.Users, cfg.Rate, cfg.For = users, rate, d
	return cfg
}

// schedule returns when operations are due, behind the beginning, in order.
func schedule(cfg *Config) []time.Duration {
	var list []time.Duration
	for number := range cfg.Users {
		u := newUser(cfg, "x", number)
		for due := u.think(); due < cfg.For; due += u.think() {
			u.next()
			list = append(list, due)
		}
	}
	slices.Sort(list)
	return list
}

// within counts what is due from a time to another.
func within(list []time.Duration, from, to time.Duration) (n int) {
	for _, due := range list {
		if from <= due && due < to {
			n++
		}
	}
	return n
}

// above counts the latencies above a bound of the buckets.
func above(f *Figures, bound time.Duration) (n int) {
	for _, bucket := range f.Buckets {
		if bucket.Within > bound {
			n += int(bucket.Count)
		}
	}
	return n
}

// TestStandstillIsSeenByAllThatWasDueMeanwhile is the proof that coordinated omission is absent: the
// server stands still for two seconds. Twenty users meet it, and so a load that measures from when
// a user begins would see twenty slow operations, one of each. What was due in the first half of
// that time waits for more than a second, all of it.
func TestStandstillIsSeenByAllThatWasDueMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(20, 200, 10*time.Second)
		began := time.Now()
		standstill := server(func(ctx context.Context, _ task) error {
			if at := time.Since(began); at >= 4*time.Second && at < 6*time.Second {
				return hold(ctx, 6*time.Second-at)
			}
			return nil
		})
		result := newRun(cfg, standstill).play(t.Context(), nil)
		due := schedule(&cfg)
		if result.All.Count != uint64(len(due)) || result.All.Errors != 0 {
			t.Fatalf("%d operations, %d errors; want %d and none", result.All.Count, result.All.Errors, len(due))
		}
		want := within(due, 4*time.Second, 5*time.Second)
		got := above(&result.All, time.Second)
		if difference := got - want; difference < -2 || difference > 2 { // A histogram has three digits.
			t.Errorf("%d operations took more than a second, want the %d that were due in the first second of the standstill", got, want)
		}
		if want < 5*cfg.Users {
			t.Errorf("%d operations are no proof against one of each of %d users", want, cfg.Users)
		}
		if slowest := result.All.Max; slowest < 1900*time.Millisecond || slowest > 2100*time.Millisecond {
			t.Errorf("the slowest took %s, want close to 2s", slowest)
		}
	})
}

// TestServerSlowerThanTheScheduleFallsBehind has a server that always answers within 200 ms, and a
// user who has something to ask every 100 ms: the waiting grows, and the latency says so.
func TestServerSlowerThanTheScheduleFallsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(1, 10, 10*time.Second)
		cfg.Timeout = 20 * time.Second
		result := newRun(cfg, takes(200*time.Millisecond)).play(t.Context(), nil)
		due := schedule(&cfg)
		if int(result.All.Count) != len(due) || result.All.Errors != 0 {
			t.Fatalf("%d operations, %d errors; want %d and none", result.All.Count, result.All.Errors, len(due))
		}
		end := time.Duration(len(due)) * 200 * time.Millisecond // It is never idle.
		behind := end - cfg.For
		if slowest := result.All.Max; slowest < behind || slowest > behind+3*time.Second {
			t.Errorf("the slowest took %s, want about %s", slowest, behind)
		}
		if result.All.P50 < behind/4 {
			t.Errorf("p50 is %s where each answer takes 200ms and the last is %s behind", result.All.P50, behind)
		}
	})
}

// TestFreeUsersMeasureWhatTheServerTakes looks at the other side: where nobody is late the latency
// is the server's.
func TestFreeUsersMeasureWhatTheServerTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := newRun(testConfig(1000, 100, 20*time.Second), takes(30*time.Millisecond)).play(t.Context(), nil)
		f := &result.All
		if f.P50 < 29900*time.Microsecond || f.P50 > 30100*time.Microsecond || f.P90 > 31*time.Millisecond {
			t.Errorf("p50 %s, p90 %s, want 30ms", f.P50, f.P90)
		}
		if f.Count < 1800 || f.Count > 2200 {
			t.Errorf("%d operations in 20 s at 100/s", f.Count)
		}
		if result.Lag.Max > time.Millisecond {
			t.Errorf("began %s late on a clock that leaps", result.Lag.Max)
		}
	})
}

// seen runs and returns what the users did when, by user.
func seen(t *testing.T, cfg Config, s server) map[int][]task {
	t.Helper()
	tasks := make(map[int][]task)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		newRun(cfg, server(func(ctx context.Context, do task) error {
			mu.Lock()
			tasks[do.user] = append(tasks[do.user], do)
			mu.Unlock()
			return s(ctx, do)
		})).play(t.Context(), nil)
	})
	return tasks
}

func TestSeedAloneDecidesWhatIsDone(t *testing.T) {
	cfg := testConfig(10, 20, 10*time.Second)
	cfg.Timeout = time.Minute
	fast := seen(t, cfg, takes(0))
	slow := seen(t, cfg, takes(time.Second))
	if diff := cmp.Diff(fast, slow, cmp.AllowUnexported(task{})); diff != "" {
		t.Errorf("what is done depends on the server (-fast +slow):\n%s", diff)
	}
	cfg.Seed++
	if other := seen(t, cfg, takes(0)); cmp.Equal(fast, other, cmp.AllowUnexported(task{})) {
		t.Error("another seed gives the same")
	}
	ids := make(map[string]bool)
	for _, list := range fast {
		for _, do := range list {
			if do.operation.publishes() {
				ids[do.signal.ID] = true
			}
		}
	}
	if kinds := slices.Sorted(maps.Keys(ids)); len(kinds) < 100 {
		t.Errorf("%d different ids of signals", len(kinds))
	}
}

func TestRefusedUserWaitsAsLongAsToldAndPaysForIt(t *testing.T) {
	for name, refusal := range map[string]struct {
		err  error
		wait time.Duration
	}{
		"HTTP":       {&StatusError{Status: 429, After: 3 * time.Second}, 3 * time.Second},
		"NATS":       {&bus.BusyError{Err: context.Canceled}, 2 * time.Second},
		"never ever": {&StatusError{Status: 429, After: 24 * time.Hour}, retryAfterMax},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := testConfig(1, 10, 40*time.Second)
			var refused, next time.Time
			once := server(func(context.Context, task) error {
				switch {
				case refused.IsZero():
					refused = time.Now()
					return refusal.err
				case next.IsZero():
					next = time.Now()
				}
				return nil
			})
			result := newRun(cfg, once).play(t.Context(), nil)
			if waited := next.Sub(refused); waited < refusal.wait || waited > refusal.wait+time.Second {
				t.Errorf("%s: tried again after %s, want %s", name, waited, refusal.wait)
			}
			if n := result.All.Kinds[KindRefused]; n != 1 || result.All.Errors != 1 {
				t.Errorf("%s: %d refused of %d errors, want 1", name, n, result.All.Errors)
			}
			if longest := result.All.Max; longest < refusal.wait-time.Second {
				t.Errorf("%s: what was due meanwhile took %s at most, want about %s", name, longest, refusal.wait)
			}
		})
	}
}

// TestWhatIsNeverBegunCounts has a server that never answers: what its users could not begin is
// in the figures like what they did.
func TestWhatIsNeverBegunCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(5, 50, 4*time.Second)
		cfg.Timeout = 3 * time.Second
		began := time.Now()
		result := newRun(cfg, takes(time.Hour)).play(t.Context(), nil)
		due := uint64(len(schedule(&cfg)))
		f := &result.All
		if f.Count != due || f.Errors != due {
			t.Errorf("%d operations, %d errors, want %d of both", f.Count, f.Errors, due)
		}
		if f.Kinds[KindTimeout]+f.Kinds[KindNotBegun] != due || f.Kinds[KindNotBegun] < due/2 {
			t.Errorf("kinds %v", f.Kinds)
		}
		if f.P50 < 3*time.Second {
			t.Errorf("p50 is %s where nothing was ever answered", f.P50)
		}
		if took := time.Since(began); took > cfg.For+cfg.Timeout+time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestInterruptionEndsAtOnceAndHidesNothing interrupts a run whose server hangs.
func TestInterruptionEndsAtOnceAndHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(5, 50, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		began := time.Now()
		result := newRun(cfg, takes(time.Hour)).play(ctx, nil)
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it ended after %s", took)
		}
		due := uint64(within(schedule(&cfg), 0, 4*time.Second+1))
		if f := &result.All; !result.Interrupted || f.Unfinished != due || f.Count != 0 || f.P90 < 3*time.Second {
			t.Errorf("interrupted %t, %d of %d unfinished, %d counted, p90 %s", result.Interrupted, f.Unfinished, due, f.Count, f.P90)
		}
		if breaches := DefaultLimits().Breaches(&result); len(breaches) == 0 {
			t.Error("a server that hangs is within the limits")
		}
	})
}

func TestSnapshotsTellHowItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(100, 100, 20*time.Second)
		var list []Snapshot
		run := newRun(cfg, server(func(ctx context.Context, do task) error {
			if do.operation == OperationStatus {
				return &StatusError{Status: 500}
			}
			return hold(ctx, 500*time.Millisecond)
		}))
		result := run.play(t.Context(), func(s Snapshot) { list = append(list, s) })
		if len(list) < 3 || len(list) > 4 {
			t.Fatalf("%d snapshots in 20 s, one each 5 s", len(list))
		}
		last := list[2]
		if last.Elapsed != 15*time.Second || last.For != cfg.For || last.Users != 100 {
			t.Errorf("elapsed %s of %s", last.Elapsed, last.For)
		}
		if last.Recent.Count < 400 || last.Recent.Count > 600 || last.Recent.P50 < 490*time.Millisecond {
			t.Errorf("%d operations in 5 s, p50 %s", last.Recent.Count, last.Recent.P50)
		}
		if last.UnderWay < 20 || last.UnderWay > 70 {
			t.Errorf("%d under way, want about 40", last.UnderWay)
		}
		if last.Errors <= last.Recent.Errors || last.Errors >= result.All.Errors {
			t.Errorf("%d errors by then, %d of them in the last 5 s, %d in all", last.Errors, last.Recent.Errors, result.All.Errors)
		}
	})
}
