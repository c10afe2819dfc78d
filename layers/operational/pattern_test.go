package operational

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
)

// conditions compiles as hal9.yaml does.
var conditions layers.Compiler[layers.Signal] = expr.Signal

func testPatterns() []Pattern {
	return []Pattern{
		{
			Name: "logins", Title: "Somebody tries passwords", Severity: layers.SeverityCritical, Within: 5 * time.Minute,
			By: []string{"labels.user"}, When: `text.contains("login failed")`, Distinct: "key", Count: 3,
		},
		{
			Name: "meltdown", Within: 10 * time.Minute, Count: 3,
			Any: []string{`text == "hot"`, `text == "loud"`, `text == "slow"`, `text == "wet"`, `text == "dark"`},
		},
		{Name: "swap", Within: 5 * time.Minute, By: []string{"key"}, Sequence: []string{`text == "swap full"`, `text == "slow"`, `text == "killed"`}},
		{Name: "unclean", Within: 5 * time.Minute, By: []string{"key"}, Sequence: []string{`text == "down"`, `text == "up"`}, Without: `text == "saved"`},
		{Name: "backup", Within: time.Hour, By: []string{"labels.disk"}, When: `text == "backup begins"`, Missing: `text == "backup ends"`},
	}
}

// said is a signal of a test.
type said struct {
	second int
	key    string
	text   string
	label  string // name=value
}

func (s *sent) said(all []said) []*layers.Envelope {
	var list []*layers.Envelope
	for _, one := range all {
		e := s.text(one.key, midnight.Add(time.Duration(one.second)*time.Second), layers.SeverityInfo, one.text)
		if name, value, ok := strings.Cut(one.label, "="); ok {
			e.Labels = map[string]string{name: value}
		}
		list = append(list, e)
	}
	return list
}

// found returns what the situations say that patterns opened: title, members and first entity.
func found(tb testing.TB, all []*layers.Envelope) []string {
	tb.Helper()
	l := newLayer(tb, func(c *Config) { c.Patterns = testPatterns() })
	w := newWorld(tb, l)
	for i, e := range all {
		fresh := *e
		w.send(&fresh)
		if i == len(all)/2 { // a new owner
			snapshot := snapshotOf(tb, l)
			l = newLayer(tb, func(c *Config) { c.Patterns = testPatterns() })
			if err := l.Restore(snapshot); err != nil {
				tb.Fatal(err)
			}
			w.l = l
		}
	}
	last := all[len(all)-1]
	for hour := range 40 {
		now := last.ReceivedAt.Add(time.Duration(hour+1) * time.Hour)
		w.take(l.Tick(now), now)
	}
	if l.Waiting() {
		tb.Error("still waiting after hours of silence")
	}
	var list []string
	for _, s := range w.situations {
		list = append(list, fmt.Sprintf("%s %s: %d members, %s first", s.Severity, s.Title, s.Members, s.Entities[0].Name))
	}
	slices.Sort(list)
	return list
}

func TestPatternsOpenSituations(t *testing.T) {
	tests := []struct {
		name string
		all  []said
		want []string
	}{
		{
			"three hosts, one user",
			[]said{{0, "h1", "login failed", "user=bob"}, {60, "h2", "login failed", "user=bob"}, {100, "h2", "login failed", "user=bob"}, {200, "h3", "login failed", "user=bob"}},
			[]string{"critical Somebody tries passwords (bob) (and 2 more): 5 members, h1 first"},
		},
		{"three hosts, other users", []said{{0, "h1", "login failed", "user=bob"}, {60, "h2", "login failed", "user=eve"}, {200, "h3", "login failed", "user=bob"}}, nil},
		{"three hosts, too slow", []said{{0, "h1", "login failed", "user=bob"}, {200, "h2", "login failed", "user=bob"}, {301, "h3", "login failed", "user=bob"}}, nil},
		{"no label", []said{{0, "h1", "login failed", ""}, {1, "h2", "login failed", ""}, {2, "h3", "login failed", ""}}, nil},
		{
			"three of five",
			[]said{{0, "a", "hot", ""}, {1, "a", "hot", ""}, {2, "b", "wet", ""}, {500, "c", "dark", ""}},
			[]string{"error meltdown (and 2 more): 5 members, a first"},
		},
		{"two of five", []said{{0, "a", "hot", ""}, {1, "a", "hot", ""}, {2, "b", "wet", ""}}, nil},
		{
			"a sequence",
			[]said{{0, "a", "swap full", ""}, {10, "b", "killed", ""}, {20, "a", "slow", ""}, {30, "a", "killed", ""}},
			[]string{"error swap (a): 4 members, a first"},
		},
		{"another order", []said{{0, "a", "slow", ""}, {20, "a", "swap full", ""}, {30, "a", "killed", ""}}, nil},
		{
			"nothing in between",
			[]said{{0, "a", "down", ""}, {30, "a", "up", ""}, {200, "z", "fine", ""}},
			[]string{"error unclean (a): 3 members, a first"},
		},
		{"something in between", []said{{0, "a", "down", ""}, {10, "a", "saved", ""}, {30, "a", "up", ""}, {200, "z", "fine", ""}}, nil},
		{
			"what does not follow",
			[]said{{0, "a", "backup begins", "disk=d1"}, {10, "a", "backup begins", "disk=d2"}, {900, "a", "backup ends", "disk=d2"}, {8000, "z", "fine", ""}},
			[]string{"error backup (d1): 2 members, a first"},
		},
		{
			"what follows too late",
			[]said{{0, "a", "backup begins", "disk=d1"}, {3700, "a", "backup ends", "disk=d1"}},
			[]string{"error backup (d1): 2 members, a first"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s sent
			if got := found(t, s.said(test.all)); !slices.Equal(got, test.want) {
				t.Errorf("situations %q: want %q", got, test.want)
			}
		})
	}
}

// TestSilenceOfTheSenderMakesSureWhatIsMissing has nobody's event time to go by.
func TestSilenceOfTheSenderMakesSureWhatIsMissing(t *testing.T) {
	var s sent
	got := found(t, s.said([]said{{0, "a", "backup begins", "disk=d1"}}))
	if want := []string{"error backup (d1): 2 members, a first"}; !slices.Equal(got, want) {
		t.Errorf("situations %q: want %q", got, want)
	}
}

// TestArrivalOrderWithinLatenessChangesNoPattern shuffles hours with matches of all kinds between signals of no consequence.
func TestArrivalOrderWithinLatenessChangesNoPattern(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 12))
		var all []said
		for n := range 12 {
			at, key := n*5000+random.IntN(300), fmt.Sprint("k", n)
			switch n % 4 {
			case 0:
				for host := range 3 {
					all = append(all, said{at + random.IntN(290), fmt.Sprint("h", host), "login failed", "user=" + key})
				}
			case 1:
				all = append(all, said{at, key, "swap full", ""}, said{at + 1 + random.IntN(100), key, "slow", ""}, said{at + 102 + random.IntN(90), key, "killed", ""})
			case 2:
				between := []string{"saved", "nothing"}[random.IntN(2)]
				all = append(all, said{at, key, "down", ""}, said{at + 5 + random.IntN(20), key, between, ""}, said{at + 40, key, "up", ""})
			default:
				late := []int{3000, 4000}[random.IntN(2)]
				all = append(all, said{at, key, "backup begins", "disk=" + key}, said{at + late, key, "backup ends", "disk=" + key})
			}
		}
		for second := 0; second < 70_000; second += 30 {
			all = append(all, said{second, "clock", "fine", ""})
		}
		slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(a.second, b.second) })
		var s sent
		list := s.said(all)
		want := found(t, list)
		if len(want) < 6 {
			t.Fatalf("seed %d: %d situations: want more", seed, len(want))
		}
		for range 3 {
			if got := found(t, delayed(random, list, time.Minute)); !slices.Equal(got, want) {
				t.Fatalf("seed %d: another order gives\n%q\nwant\n%q", seed, got, want)
			}
		}
	}
}

// TestPatternsReachTheCorrelator has another partition hand on what a pattern asks for, and nothing else.
func TestPatternsReachTheCorrelator(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Patterns = testPatterns()
	far, err := New(cfg, false, conditions)
	if err != nil {
		t.Fatal(err)
	}
	l := newLayer(t, func(c *Config) { *c = cfg })
	var s sent
	events := 0
	for _, e := range s.said([]said{{0, "a", "hot", ""}, {1, "a", "fine", ""}, {2, "b", "wet", ""}, {3, "c", "dark", ""}}) {
		d := decide(t, far, e)
		if d.Correlate != (e.Text != "fine") {
			t.Errorf("%s: correlate %v", e.Text, d.Correlate)
		}
		if d.Correlate {
			d = decide(t, l, e)
			events += len(d.Events)
			wantDecision(t, d, layers.DispositionResolved)
		}
	}
	if events != 1 {
		t.Errorf("%d events: want the match", events)
	}
}

func TestPatternsAreBounded(t *testing.T) {
	l := newLayer(t, func(c *Config) { c.Patterns = testPatterns() })
	var s sent
	for i := range 30_000 {
		e := s.text(fmt.Sprint("h", i%2), midnight.Add(time.Duration(i)*time.Millisecond), layers.SeverityInfo, "login failed")
		e.Labels = map[string]string{"user": fmt.Sprint("u", i%20_000)}
		decide(t, l, e)
	}
	if w := l.watcher; w.count > groupsMax || w.hits > hitsInAll {
		t.Errorf("%d groups with %d hits: want them bounded", w.count, w.hits)
	}
	for range 2000 {
		e := s.text("h", midnight, layers.SeverityInfo, "login failed")
		e.Labels = map[string]string{"user": "one"}
		decide(t, l, e)
	}
	if g := l.watcher.patterns[0].groups["one"]; len(g.hits) > hitsMax {
		t.Errorf("%d hits of one group", len(g.hits))
	}
}

func TestPatternProblemsAreTold(t *testing.T) {
	good := func() Pattern { return testPatterns()[0] }
	for want, change := range map[string]func(*Pattern){
		"name is":      func(p *Pattern) { p.Name = "" },
		"within is 0s": func(p *Pattern) { p.Within = 0 },
		`by[0] is "x"`: func(p *Pattern) { p.By = []string{"x"} },
		"2 kinds":      func(p *Pattern) { p.Missing = "true" },
		"0 kinds":      func(p *Pattern) { p.Distinct = "" },
		"count is 0":   func(p *Pattern) { p.Count = 0 },
		"when is \"\"": func(p *Pattern) { p.When = "" },
		"without is":   func(p *Pattern) { p.Without = "true" },
		"want 2 to 16": func(p *Pattern) { *p = Pattern{Name: "a", Within: time.Minute, Sequence: []string{"true"}} },
		"want 1 to 2, ": func(p *Pattern) {
			*p = Pattern{Name: "a", Within: time.Minute, Any: []string{"true", "true"}, Count: 3}
		},
	} {
		p := good()
		change(&p)
		if err := ValidatePatterns([]Pattern{p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v: want %q", p, err, want)
		}
	}
	if err := ValidatePatterns(testPatterns()); err != nil {
		t.Error(err)
	}
	cfg := DefaultConfig()
	cfg.Patterns = []Pattern{good()}
	cfg.Patterns[0].When = "no such thing"
	if _, err := New(cfg, true, conditions); err == nil || !strings.Contains(err.Error(), `patterns[0] "logins"`) {
		t.Errorf("%v: want the pattern named", err)
	}
}
