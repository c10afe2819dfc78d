package operational

import (
	"math"
	"math/rand/v2"
	"testing"
)

// fiveMinutes is the Unix time of a sample of a series that has one every five minutes.
func fiveMinutes(i int) int64 { return midnight.Unix() + 300*int64(i) }

// alarms feeds n values, one for every five minutes, and returns the positions of what was news.
func alarms(n int, value func(i int) float64) []int {
	var at []int
	b := &baseline{}
	for i := range n {
		if b.observe(value(i), fiveMinutes(i), true, surpriseOf(DefaultConfig().Threshold)).news {
			at = append(at, i)
		}
	}
	return at
}

func TestBaselineIsCalmAndNoticesWhatMatters(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func() float64 { return 41 + 2*random.NormFloat64() }
	walk := 0.0
	tests := []struct {
		name  string
		value func(i int) float64
		must  int // must be news, -1 for nothing
		most  int // news at most, of 5000
	}{
		{"constant", func(int) float64 { return 50 }, -1, 0},
		{"constant zero, then one", func(i int) float64 { return map[bool]float64{true: 1}[i == 500] }, 500, 1},
		{"constant, then a little more", func(i int) float64 { return map[bool]float64{true: 50.1, false: 50}[i >= 500] }, -1, 0},
		{"counter", func(i int) float64 { return float64(i) * 17 }, -1, 0},
		{"noise", func(int) float64 { return noise() }, -1, 20},
		{"uniform", func(int) float64 { return float64(random.IntN(65536)) }, -1, 5},
		{"exponential", func(int) float64 { return random.ExpFloat64() }, -1, 20},
		{"heavy tail", func(int) float64 { return 1 / (1 - random.Float64()) }, -1, 25},
		{"random walk", func(int) float64 { walk += random.NormFloat64(); return walk }, -1, 20},
		{"daily wave", func(i int) float64 { return 100 + 50*math.Sin(float64(i)/288*2*math.Pi) + random.NormFloat64() }, -1, 20},
		{"spike", func(i int) float64 { return map[bool]float64{true: 100, false: noise()}[i == 500] }, 500, 20},
		{"drop", func(i int) float64 { return map[bool]float64{true: 0, false: noise()}[i == 500] }, 500, 20},
		{"spike after an absurd value", func(i int) float64 {
			return map[int]float64{500: math.MaxFloat64, 800: 100}[i] + map[bool]float64{true: noise()}[i != 500 && i != 800]
		}, 800, 15},
		{"new level", func(i int) float64 { return noise() + map[bool]float64{true: 20}[i >= 500] }, 500, 15},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at := alarms(5000, test.value)
			found := test.must < 0
			for _, i := range at {
				found = found || i == test.must
			}
			if !found || len(at) > test.most {
				t.Errorf("news at %v: want at most %d, and %d among them", at, test.most, test.must)
			}
		})
	}
}

func TestSlowShiftIsNoticed(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	b := &baseline{}
	for i := range 600 {
		value := 41 + random.NormFloat64()
		if i >= 500 {
			value += 2.5 // no single sample of it is far out
		}
		f := b.observe(value, fiveMinutes(i), true, surpriseOf(0.5))
		if i >= 500 && f.news {
			return
		}
	}
	t.Error("a new mean that no single sample gives away: want it noticed")
}

func TestNumbersForPeople(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 812: "812", 41.25: "41.25", 38.1234: "38.12", 1234567.8: "1234568", 0.00123456: "0.001235",
		1e12: "1e+12", -7.5: "-7.500", 1e-12: "0",
	} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %q: want %q", x, got, want)
		}
	}
	if got := plain(" a\x00b\n\xff "+string(make([]byte, 50)), 10); got != "a b ?" {
		t.Errorf("plain: %q", got)
	}
	if got := plain("ÄÖÜäöüß", 8); got != "ÄÖ…" {
		t.Errorf("plain cuts to %q", got)
	}
}

func TestSampleOutOfOrderIsNoJump(t *testing.T) {
	b := &baseline{}
	for i := range 100 {
		b.observe(steady(i), fiveMinutes(i), true, 3)
	}
	before := b.jump
	if b.observe(44, fiveMinutes(99), false, 3); b.jump != before {
		t.Error("a sample out of order was compared with one that is not its neighbour")
	}
}

func TestTailForgivesAnAbsurdValue(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	var calm, shaken tail
	for _, tail := range []*tail{&calm, &shaken} {
		first := make([]float64, 30)
		for i := range first {
			first[i] = random.Float64()
		}
		tail.seed(first)
	}
	for range 500 {
		x := random.Float64()
		calm.learn(x, 0.01)
		shaken.learn(x, 0.01)
	}
	shaken.learn(1e150, 0.01)
	if a, b := calm.surprise(10, 0.01), shaken.surprise(10, 0.01); b < 10 || b < a/4 {
		t.Errorf("ten times the usual surprises by %v, and after one absurd value by %v: want about as much", a, b)
	}
}
