package simulate

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/keda/policy"
)

func TestReadLoad(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want Load
		err  string
	}{
		"seconds": {"0,10\n2,20\n3,0\n", Load{10, 10, 20}, ""},
		"header":  {"time, signals per second\n100,1\n101,2\n# x\n102,3\n", Load{1, 2}, ""},
		"times":   {"2026-11-26T10:00:00Z,5\n2026-11-26T10:00:02Z,7\n", Load{5, 5}, ""},
		"objects": {`{"time":1,"rate":2}` + "\n" + `{"time":"3","rate":2}`, Load{2, 2}, ""},
		"array":   {`[{"time":1,"rate":2},{"time":2,"rate":4},{"time":3,"rate":4}]`, Load{2, 4}, ""},
		"report": {`{"layer":"L1","decisions":[{"at":"2026-11-26T10:00:02Z","layer":"L1","arrival_rate":3},
			{"at":"2026-11-26T10:00:00Z","layer":"L1","arrival_rate":2}]}`, Load{2, 2}, ""},
		"nothing":     {"", nil, "0 samples"},
		"one":         {"1,1", nil, "1 samples"},
		"backwards":   {"1,1\n3,1\n2,1\n", nil, "line 3: it is not later"},
		"columns":     {"1,1,1\n2,2,2\n", nil, "want two columns"},
		"no number":   {"1,1\n2,much\n", nil, `line 2: "2", "much"`},
		"negative":    {"1,1\n2,-5\n", nil, "line 2: -5 signals/s"},
		"not finite":  {"1,1\nNaN,5\n", nil, "line 2: no time"},
		"endless":     {"0,1\n1e9,1\n", nil, "want 1 s to a week"},
		"other JSON":  {`{"hello":1}`, nil, "object 1: neither a decision"},
		"broken JSON": {`{"time":1`, nil, "JSON"},
		"layers":      {`{"at":"2026-11-26T10:00:00Z","layer":"L1","arrival_rate":1}{"at":"2026-11-26T10:00:02Z","layer":"L2","arrival_rate":1}`, nil, "want one layer"},
	} {
		got, err := ReadLoad(strings.NewReader(test.text))
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want %q", name, err, test.err)
			}
			continue
		}
		if err != nil || len(got) != len(test.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: %v, want %v", name, got, test.want)
			}
		}
	}
}

// TestDecisionsAreALoad: what the policy decided on a load gives the load back.
func TestDecisionsAreALoad(t *testing.T) {
	t.Parallel()
	p := policy.New("L3", policy.DefaultConfig())
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	arrived, now := uint64(0), time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	rate := func(second int) uint64 { return uint64(100 + 50*(second/60%2)) }
	for second := range 300 {
		if second%2 == 0 {
			d := p.Decide(now.Add(time.Duration(second)*time.Second), policy.Reading{Arrived: arrived, Finished: arrived, Replicas: 5}, 0)
			if err := encoder.Encode(d); err != nil {
				t.Fatal(err)
			}
		}
		if second == 31 { // It can't be measured for a moment.
			last := p.Decide(now.Add(31*time.Second), policy.Reading{Arrived: arrived, Finished: arrived, Replicas: 5}, 0)
			if err := encoder.Encode(last.Failed(last.At, "L3", "consumer l3-07 is missing", true)); err != nil {
				t.Fatal(err)
			}
		}
		arrived += rate(second)
	}
	load, err := ReadLoad(&text)
	if err != nil {
		t.Fatal(err)
	}
	for second := range len(load) - 2 {
		if math.Abs(load[second]-float64(rate(second))) > 1e-6 {
			t.Fatalf("second %d: %g, want %d", second, load[second], rate(second))
		}
	}
}

func FuzzReadLoad(f *testing.F) {
	f.Add("0,1\n1,2\n")
	f.Add(`{"time":1,"rate":2}`)
	f.Add(`[{"at":"2026-11-26T10:00:00Z","arrival_rate":1,"reading":{"arrived":3}},null]`)
	f.Fuzz(func(t *testing.T, text string) {
		load, err := ReadLoad(strings.NewReader(text))
		if err != nil {
			return
		}
		if len(load) < 1 || len(load) > MaxSeconds {
			t.Fatalf("%d seconds", len(load))
		}
		for _, rate := range load {
			if !(rate >= 0) {
				t.Fatalf("%g signals/s", rate)
			}
		}
	})
}
