package reflexive_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// compile reads "source X", "text X" and "value".
func compile(expression string) (layers.Condition[layers.Signal], error) {
	word, argument, _ := strings.Cut(expression, " ")
	switch word {
	case "source":
		return func(s *layers.Signal) bool { return s.Source == argument }, nil
	case "text":
		return func(s *layers.Signal) bool { return s.Text == argument }, nil
	case "value":
		return func(s *layers.Signal) bool { return s.HasValue }, nil
	}
	return nil, fmt.Errorf("%q is no expression", expression)
}

func newLayer(tb testing.TB, cfg reflexive.Config) *reflexive.Layer {
	tb.Helper()
	l, err := reflexive.New(cfg, compile)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func withRules(rules ...reflexive.Rule) reflexive.Config {
	cfg := reflexive.DefaultConfig()
	cfg.Rules = rules
	return cfg
}

// signal is stored at origin seconds after noon.
func signal(origin uint64, change func(*layers.Envelope)) *layers.Envelope {
	at := noon.Add(time.Duration(origin) * time.Second)
	e := &layers.Envelope{
		Signal:     layers.Signal{ID: fmt.Sprintf("id-%d", origin), Source: "web", Key: "host-1", Time: at, Text: "hello"},
		Origin:     origin,
		ReceivedAt: at,
	}
	if change != nil {
		change(e)
	}
	return e
}

func decide(tb testing.TB, l *reflexive.Layer, e *layers.Envelope) layers.Decision {
	tb.Helper()
	d, err := l.Decide(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// want checks disposition, rule and a part of the reason.
func want(tb testing.TB, d layers.Decision, disposition layers.Disposition, rule, reason string) {
	tb.Helper()
	if d.Disposition != disposition || d.Rule != rule || !strings.Contains(d.Reason, reason) {
		tb.Errorf("got %s by %q because %q, want %s by %q because of %q", d.Disposition, d.Rule, d.Reason, disposition, rule, reason)
	}
}

func TestWhatIsNewIsHandedUp(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	want(t, decide(t, l, signal(1, nil)), layers.DispositionEscalated, "", "neither a duplicate")
}

func TestDebugIsResolved(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	e := signal(1, func(e *layers.Envelope) { e.Severity = layers.SeverityDebug })
	want(t, decide(t, l, e), layers.DispositionResolved, "builtin:debug", "debug")
}

func TestSameContentIsNoDuplicate(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	for _, kind := range []string{"", "log", "metric", "io.k8s.event", "alert"} { // An alert without a status states no condition.
		for i := range uint64(3) {
			e := signal(i+1, func(e *layers.Envelope) { e.Type, e.ID = kind, fmt.Sprint(kind, i) })
			want(t, decide(t, l, e), layers.DispositionEscalated, "", "")
		}
	}
}

func TestDuplicateByID(t *testing.T) {
	same := func(e *layers.Envelope) { e.ID = "same" }
	tests := []struct {
		name   string
		second *layers.Envelope
		again  bool
	}{
		{"another origin", signal(300, same), true},
		{"received before the first", signal(0, same), true},
		{"after the window", signal(302, same), false},
		{"another source", signal(2, func(e *layers.Envelope) { e.ID, e.Source = "same", "db" }), false},
		{"another split of source and id", signal(2, func(e *layers.Envelope) { e.ID, e.Source = "bsame", "we" }), false},
		{"event time does not count", signal(10, func(e *layers.Envelope) { e.ID, e.Time = "same", noon.Add(9*time.Hour) }), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLayer(t, reflexive.DefaultConfig())
			decide(t, l, signal(1, same))
			d := decide(t, l, test.second)
			if d.Again != test.again {
				t.Fatalf("again is %v, want %v: %s", d.Again, test.again, d.Reason)
			}
			if test.again {
				want(t, d, layers.DispositionSuppressed, "", "came first at 2026-03-02T12:00:01.000Z, within the window of 5m0s")
			}
		})
	}
}

func TestRedeliveryGetsTheSameAnswer(t *testing.T) {
	l := newLayer(t, withRules(reflexive.Rule{Name: "hello", When: "text hello", Then: reflexive.ActionResolve}))
	inputs := []*layers.Envelope{
		signal(1, nil), signal(2, nil), signal(3, func(e *layers.Envelope) { e.Text = "other" }),
		alert(4, "firing"), alert(5, "firing"), alert(6, "resolved"), alert(7, "resolved"), alert(8, "firing"),
	}
	var first, second []layers.Decision
	for _, e := range inputs {
		first = append(first, decide(t, l, e))
	}
	for _, e := range inputs {
		second = append(second, decide(t, l, e))
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("redelivered signals were answered otherwise:\n%s", diff)
	}
	want(t, decide(t, l, alert(9, "firing")), layers.DispositionSuppressed, "", "seen 2 times")
}

func TestRedeliveryOfAForgottenAlertIsNoRepetition(t *testing.T) {
	cfg := reflexive.DefaultConfig()
	cfg.DedupEntries = 2
	l := newLayer(t, cfg)
	opener, over := alert(1, "firing"), alert(20, "resolved")
	decide(t, l, opener)
	for i := range uint64(5) {
		decide(t, l, signal(i+2, nil)) // These push the opener's identity out, but not its condition.
	}
	want(t, decide(t, l, opener), layers.DispositionEscalated, "", "")
	decide(t, l, over)
	for i := range uint64(5) {
		decide(t, l, signal(i+30, nil))
	}
	want(t, decide(t, l, over), layers.DispositionResolved, "", "is over")
}

func TestTheOldestIdentityIsForgottenFirst(t *testing.T) {
	cfg := reflexive.DefaultConfig()
	cfg.DedupEntries = 3
	for id, again := range map[string]bool{"id-1": false, "id-3": true, "id-4": true} {
		fresh := newLayer(t, cfg)
		for i := range uint64(4) {
			decide(t, fresh, signal(i+1, nil))
		}
		if d := decide(t, fresh, signal(9, func(e *layers.Envelope) { e.ID = id })); d.Again != again {
			t.Errorf("%s: again is %v, want %v", id, d.Again, again)
		}
	}
}

func TestRememberedIdentitiesAreDuplicatesAlways(t *testing.T) {
	l := newLayer(t, reflexive.DefaultConfig())
	l.Remember("web", "old")
	for _, origin := range []uint64{0, 1, 100_000} {
		d := decide(t, l, signal(origin, func(e *layers.Envelope) { e.ID = "old" }))
		want(t, d, layers.DispositionSuppressed, "", "had its verdict before this layer started")
		if !d.Again {
			t.Error("again is false")
		}
	}
	decide(t, l, signal(7, nil))
	l.Remember("web", "id-7") // It knows better already.
	want(t, decide(t, l, signal(7, nil)), layers.DispositionEscalated, "", "")
}

func TestStatsCount(t *testing.T) {
	l := newLayer(t, withRules(reflexive.Rule{Name: "hello", When: "text hello", Then: reflexive.ActionResolve}))
	decide(t, l, signal(1, nil))
	decide(t, l, signal(2, nil))
	decide(t, l, signal(3, func(e *layers.Envelope) { e.ID = "id-1" }))
	decide(t, l, alert(4, "firing"))
	decide(t, l, alert(5, "firing"))
	decide(t, l, alert(6, "resolved"))
	decide(t, l, alert(7, "resolved"))
	if diff := cmp.Diff(reflexive.Stats{DuplicateIDs: 1, RepeatedAlerts: 2, AnswerHits: 3, AnswerMisses: 3}, l.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	rule := reflexive.Rule{Name: "a", When: "value", Then: reflexive.ActionResolve}
	tests := []struct {
		name   string
		change func(*reflexive.Config)
		want   []string
	}{
		{"window", func(c *reflexive.Config) { c.DedupWindow = 0 }, []string{"dedup window 0s: want 1ms"}},
		{"alert window", func(c *reflexive.Config) { c.AlertWindow = 0 }, []string{"alert window 0s: want 1ms"}},
		{"entries", func(c *reflexive.Config) { c.DedupEntries, c.AnswerEntries = 0, -1 }, []string{"dedup entries 0", "answer entries -1"}},
		{"names", func(c *reflexive.Config) { c.Rules = []reflexive.Rule{rule, rule} }, []string{`rule 2 "a": rule 1 has that name`}},
		{"empty", func(c *reflexive.Config) { c.Rules = make([]reflexive.Rule, 1) }, []string{`name ""`, "when is empty", `then "": want suppress, resolve or escalate`}},
		{"reserved", func(c *reflexive.Config) {
			c.Rules = []reflexive.Rule{{Name: "builtin:x", When: "value", Then: "resolve"}}
		}, []string{"HAL9's own"}},
		{"reason", func(c *reflexive.Config) {
			c.Rules = []reflexive.Rule{{Name: "a", When: "value", Then: "resolve", Reason: strings.Repeat("x", 301)}}
		}, []string{"at most 300 bytes"}},
		{"expression", func(c *reflexive.Config) { c.Rules = []reflexive.Rule{{Name: "a", When: "nonsense", Then: "resolve"}} }, []string{`rule 1 "a": when: "nonsense" is no expression`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := reflexive.DefaultConfig()
			test.change(&cfg)
			_, err := reflexive.New(cfg, compile)
			for _, part := range test.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v: want %q in it", err, part)
				}
			}
		})
	}
	if _, err := reflexive.New(withRules(rule), nil); err == nil {
		t.Error("rules without a compiler: want an error")
	}
	if _, err := reflexive.New(reflexive.DefaultConfig(), nil); err != nil {
		t.Errorf("no rules and no compiler: %v", err)
	}
}
