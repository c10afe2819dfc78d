package simulate

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func loads(t *testing.T) map[string]Load {
	t.Helper()
	all := make(map[string]Load)
	for _, shape := range Shapes() {
		f := DefaultForm()
		f.Shape, f.To, f.Noise = shape, 24_000, 0.1
		load, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		all[string(shape)] = load
	}
	return all
}

// each runs every autoscaler on every shape.
func each(t *testing.T, look func(t *testing.T, load Load, r Result)) {
	t.Helper()
	for name, load := range loads(t) {
		for _, kind := range Kinds() {
			t.Run(fmt.Sprintf("%s/%s", name, kind), func(t *testing.T) {
				t.Parallel()
				look(t, load, Run(DefaultConfig(), load, kind))
			})
		}
	}
}

// TestNoSignalIsMadeOrLost: what came in is what was worked off and what waits, in every second.
func TestNoSignalIsMadeOrLost(t *testing.T) {
	each(t, func(t *testing.T, load Load, r Result) {
		t.Helper()
		came, cfg := 0.0, DefaultConfig()
		backlog := 0.0
		for i, p := range r.Points {
			came += p.Load
			worked := backlog + p.Load - p.Backlog
			if worked < -1e-6 || worked > float64(p.Ready)*cfg.Rate+1e-6 {
				t.Fatalf("second %d: %g worked off by %d replicas", i, worked, p.Ready)
			}
			backlog = p.Backlog
		}
		sum := 0.0
		for _, rate := range load {
			sum += rate
		}
		if math.Abs(came-sum) > 1 || math.Abs(r.Signals-sum) > 1 {
			t.Errorf("%g came in, %g were sent", came, sum)
		}
		if r.Unfinished > 0.5 {
			t.Errorf("%g are left", r.Unfinished)
		}
	})
}

// TestReplicasKeepToBoundsAndPace of what is rendered.
func TestReplicasKeepToBoundsAndPace(t *testing.T) {
	each(t, func(t *testing.T, _ Load, r Result) {
		t.Helper()
		p := DefaultConfig().Policy
		for i, now := range r.Points {
			if now.Pods < p.Min || now.Pods > p.Max || now.Ready > now.Pods {
				t.Fatalf("second %d: %+v", i, now)
			}
			if before := i - int(p.Pace.UpEvery.Seconds()); before >= 0 && now.Pods-r.Points[before].Pods > p.Pace.Up {
				t.Fatalf("second %d: too fast up", i)
			}
			if before := i - int(p.Pace.DownEvery.Seconds()); before >= 0 && r.Points[before].Pods-now.Pods > p.Pace.Down {
				t.Fatalf("second %d: too fast down", i)
			}
		}
	})
}

func TestSameInputSameResult(t *testing.T) {
	load := loads(t)["daily"]
	for _, kind := range Kinds() {
		if diff := cmp.Diff(Run(DefaultConfig(), load, kind), Run(DefaultConfig(), load, kind)); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}

// TestScaleDoesNotMatter: a thousand times the load on replicas that do a thousand times as much is the same.
func TestScaleDoesNotMatter(t *testing.T) {
	small := DefaultConfig()
	large := small
	large.Rate, large.Policy.Rate = 1000*small.Rate, 1000*small.Policy.Rate
	load := loads(t)["spike"]
	more := make(Load, len(load))
	for i, rate := range load {
		more[i] = 1000 * rate
	}
	for _, kind := range Kinds() {
		a, b := Run(small, load, kind), Run(large, more, kind)
		if a.Max != b.Max || a.Turns != b.Turns || math.Abs(a.PodHours-b.PodHours) > 0.02*a.PodHours {
			t.Errorf("%s: %d and %d replicas, %d and %d turns, %g and %g pod hours", kind, a.Max, b.Max, a.Turns, b.Turns, a.PodHours, b.PodHours)
		}
	}
}

// TestQueueIsInOrder: ages come out as they went in.
func TestQueueIsInOrder(t *testing.T) {
	var q queue
	for i := range 5000 {
		q.push(float64(i), 3)
		for _, b := range q.pop(float64(i), 2) {
			if b.waited != float64(i)-b.at || b.at > float64(i) {
				t.Fatalf("second %d: %+v", i, b)
			}
		}
	}
	if math.Abs(q.length-5000) > 1e-6 {
		t.Errorf("%g left", q.length)
	}
	before := -1.0
	for _, b := range q.pop(5000, 1e9) {
		if b.at < before {
			t.Fatal("out of order")
		}
		before = b.at
	}
	if q.length != 0 || q.oldest(5000) != 0 {
		t.Errorf("%g left, the oldest %g s", q.length, q.oldest(5000))
	}
}

// TestHAL9BesideTheOthers holds what docs/keda.md says of the comparison: HAL9's scaler is late for no longer than CPU and the
// stock lag, also where the assumed rate is three times too high, turns no more often than there and back, and takes no more
// pod hours than CPU.
func TestHAL9BesideTheOthers(t *testing.T) {
	for name, load := range loads(t) {
		for _, assumed := range []float64{1000, 3000} {
			cfg := DefaultConfig()
			cfg.Policy.Rate = assumed
			ours := Run(cfg, load, KindHAL9)
			for _, kind := range []Kind{KindCPU, KindLag, KindLagP95} {
				if other := Run(cfg, load, kind); ours.Late > other.Late {
					t.Errorf("%s, assumed %g: late for %d s, %s for %d s", name, assumed, ours.Late, kind, other.Late)
				}
			}
			if ours.Turns > 1 {
				t.Errorf("%s, assumed %g: turned %d times", name, assumed, ours.Turns)
			}
			if cpu := Run(cfg, load, KindCPU); ours.PodHours > 1.02*cpu.PodHours {
				t.Errorf("%s, assumed %g: %.1f pod hours, CPU took %.1f", name, assumed, ours.PodHours, cpu.PodHours)
			}
		}
	}
}

// TestMaximumIsReached: where more is needed than there may be, the last replicas come, too.
func TestMaximumIsReached(t *testing.T) {
	f := DefaultForm()
	f.Shape, f.To = ShapeRamp, 40_000
	load, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	if r := Run(cfg, load, KindHAL9); r.Max != cfg.Policy.Max {
		t.Errorf("%d replicas at most, %d are allowed and needed", r.Max, cfg.Policy.Max)
	}
}

func TestFormsOfLoad(t *testing.T) {
	f := Form{Shape: ShapeStep, From: 10, To: 100, Length: 10 * time.Minute}
	for shape, want := range map[Shape][3]float64{ // at the begin, in the middle, at the end
		ShapeStep: {10, 100, 100}, ShapeSpike: {10, 10, 10}, ShapeDaily: {10, 100, 10}, ShapeRamp: {10, 55, 100},
	} {
		f.Shape = shape
		load, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		got := [3]float64{load[0], load[300], load[599]}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 0.2 {
				t.Errorf("%s: %v, want %v", shape, got, want)
			}
		}
	}
	f.Shape = "saw"
	if _, err := f.Load(); err == nil {
		t.Error("a shape that nobody knows")
	}
}
