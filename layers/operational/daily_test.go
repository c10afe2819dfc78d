package operational

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const perDay = 288 // samples, one every five minutes

// nights is a series that is low at night and high by day, with a little noise; change may replace a value.
func nights(change func(day, of int) (value float64, ok bool)) func(i int) float64 {
	random := rand.New(rand.NewPCG(3, 14))
	return func(i int) float64 {
		value := 20 + random.NormFloat64()
		if of := i % perDay; of >= 96 && of < 240 {
			value += 60
		}
		if other, ok := change(i/perDay, i%perDay); ok {
			return other
		}
		return value
	}
}

// TestWhatIsUsualButNotNowIsNews has a morning that does not come: the night's values go on, and nothing jumps.
func TestWhatIsUsualButNotNowIsNews(t *testing.T) {
	const day, morning = 8, 96
	random := rand.New(rand.NewPCG(1, 61))
	series := nights(func(d, of int) (float64, bool) { return 20 + random.NormFloat64(), d == day && of >= morning })
	b, said := &baseline{}, ""
	for i := range day*perDay + morning + 24 {
		f := b.observe(series(i), fiveMinutes(i), true, surpriseOf(DefaultConfig().Threshold))
		if f.news && i >= day*perDay+morning {
			said = b.explain(f, "load")
			break
		}
	}
	if !strings.Contains(said, "its mean at this hour of the day") {
		t.Errorf("a night's values in the morning: %q", said)
	}
}

// TestWhatHappensEveryNightIsNoNews has a backup load a machine at the same time of every night, and once at another.
func TestWhatHappensEveryNightIsNoNews(t *testing.T) {
	const another = 10
	backup := func(d, of int) bool { return of == 40 || d == another && of == 200 }
	series := nights(func(d, of int) (float64, bool) { return 400, backup(d, of) })
	at := alarms(14*perDay, series)
	spikes, found := 0, false
	for _, i := range at {
		if backup(i/perDay, i%perDay) {
			spikes++
			found = found || i == another*perDay+200
		}
	}
	if !found {
		t.Errorf("the spike at another time of the day is no news: %v", at)
	}
	if spikes > 6 { // of 15; the first ones, and the one at another time
		t.Errorf("%d of the spikes are news: %v", spikes, at)
	}
	late := slices.IndexFunc(at, func(i int) bool { return i >= 5*perDay && i%perDay == 40 })
	if late >= 0 {
		t.Errorf("the spike of day %d is news still", at[late]/perDay)
	}
}

func TestHabitIsExplained(t *testing.T) {
	series := nights(func(_, of int) (float64, bool) { return 400, of == 40 })
	b := &baseline{}
	for i := range 7*perDay + 41 {
		f := b.observe(series(i), fiveMinutes(i), true, surpriseOf(DefaultConfig().Threshold))
		if text := b.explain(f, "load"); i == 7*perDay+40 && !strings.Contains(text, "on each of the last two days") {
			t.Errorf("a spike of every night is explained as %q", text)
		}
	}
}

// TestWhatHappensAroundMidnightIsNoNews has a job run within minutes of midnight, by UTC, now before and now after it.
func TestWhatHappensAroundMidnightIsNoNews(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 71))
	at := map[int]bool{} // samples
	for day := 1; day < 20; day++ {
		at[day*perDay+random.IntN(5)-2] = true
	}
	calm := nights(func(int, int) (float64, bool) { return 0, false })
	late := 0
	for _, i := range alarms(20*perDay, func(i int) float64 {
		value := calm(i)
		if at[i] {
			return 400
		}
		return value
	}) {
		if at[i] && i > 8*perDay {
			late++
		}
	}
	if late > 1 {
		t.Errorf("after a week %d of 11 nightly jobs are news still", late)
	}
}

func TestSpreadNoticesRestlessAndCalm(t *testing.T) {
	for name, c := range map[string]struct{ before, after float64 }{
		"restless": {1, 6}, "calm": {4, 0.5},
	} {
		random := rand.New(rand.NewPCG(5, 8))
		var p spread
		p.seed([]float64{50, 50})
		early, late, said := 0.0, 0.0, ""
		for i := range 1200 {
			reach := c.before
			if i >= 1000 {
				reach = c.after
			}
			s := sample{tame: 50 + reach*(random.Float64()*2-1), samples: float64(i + 2), inOrder: true}
			surprise := p.observe(s)
			switch {
			case i < 1000:
				early = max(early, surprise)
			case surprise > late:
				late, said = surprise, p.explain(s)
			}
		}
		if early >= surpriseHalf || late < surpriseHalf || !strings.HasPrefix(said, "has become "+name) {
			t.Errorf("a series that becomes %s surprises by %v before and by %v afterwards: %q", name, early, late, said)
		}
	}
}

// TestDaysThatAreMissingAreNoHabit leaves out days: what was there before them is not the last two days.
func TestDaysThatAreMissingAreNoHabit(t *testing.T) {
	for days, want := range map[int64]float64{1: 2.5, 2: 8, 3: 8, 400: 8} {
		d := &daily{}
		for day := range int64(3) {
			d.advance(day*dayHours + 5)
			d.unusual(day*dayHours+5, 5+habitFrom)
		}
		at := (2+days)*dayHours + 5
		d.advance(at)
		if got := d.unusual(at, 8); math.Abs(got-want) > 1e-6 {
			t.Errorf("%d days later a surprise of 8 counts as %v, want %v", days, got, want)
		}
	}
}

func TestHoursOfTheDay(t *testing.T) {
	for hour, want := range map[int64]int{0: 0, 23: 23, 24: 0, 49: 1, -1: 23, -24: 0, -25: 23} {
		if got := hourOfDay(hour); got != want {
			t.Errorf("hour %d is hour %d of the day, want %d", hour, got, want)
		}
	}
}

// TestMeansOfHoursFollow has the mean of an hour follow over days, whatever the number of samples is.
func TestMeansOfHoursFollow(t *testing.T) {
	d := &daily{}
	for day, value := range []float64{3, 6, 9, 12} {
		hour := int64(day * dayHours)
		d.advance(hour)
		if got, ok := d.usual(hour); ok != (day > 0) || day == 3 && got != 6 {
			t.Errorf("day %d begins with a mean of %v, %t", day, got, ok)
		}
		for range 1 + 1000*day {
			d.learn(value)
		}
		d.advance(hour + 1)
	}
	if got, _ := d.usual(0); got != 8 {
		t.Errorf("after 3, 6, 9 and 12 the mean is %v, want 8", got)
	}
}
