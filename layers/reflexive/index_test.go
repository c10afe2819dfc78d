package reflexive_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// randomRule makes an expression of parts that an index can and can't use.
func randomRule(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		form := []string{"(%s) && (%s)", "(%s) || (%s)", "!(%s) && (%s)", "(%s) ? (%s) : false"}[r.IntN(4)]
		return fmt.Sprintf(form, randomRule(r, depth-1), randomRule(r, depth-1))
	}
	n := r.IntN(6)
	return []string{
		fmt.Sprintf(`source == "s%d"`, n), fmt.Sprintf(`"t%d" == type`, n), fmt.Sprintf(`key in ["k%d", "k%d"]`, n, n+1),
		fmt.Sprintf(`source.startsWith("s%d")`, n), fmt.Sprintf(`key.startsWith("k%d0")`, n), fmt.Sprintf(`labels.app == "a%d"`, n),
		fmt.Sprintf(`labels["app"] == "a%d"`, n), fmt.Sprintf(`labels.app != "a%d"`, n), fmt.Sprintf(`text.contains("%d")`, n),
		fmt.Sprintf(`severity > %d`, n), `has(labels.app)`, fmt.Sprintf(`["s%d"].exists(source, source == "s%d")`, n, n),
		fmt.Sprintf(`labels.app.startsWith("a%d")`, n), `true`, fmt.Sprintf(`value > %d`, n),
	}[r.IntN(15)]
}

func randomSignal(r *rand.Rand, origin uint64) *layers.Envelope {
	return signal(origin, func(e *layers.Envelope) {
		e.Source, e.Type, e.Key = fmt.Sprint("s", r.IntN(70)), fmt.Sprint("t", r.IntN(7)), fmt.Sprint("k", r.IntN(70))
		e.Severity, e.Text = layers.Severity(r.IntN(6)), strconv.Itoa(r.IntN(8))
		e.Value, e.HasValue = float64(r.IntN(7)), r.IntN(2) == 0
		if r.IntN(3) > 0 {
			e.Labels = map[string]string{"app": fmt.Sprint("a", r.IntN(7)), "x": "y"}
		}
	})
}

// TestTheIndexAnswersLikeALinearScan compares a layer that knows what its rules look at with one that does not.
func TestTheIndexAnswersLikeALinearScan(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for round := range 12 {
		cfg := reflexive.DefaultConfig()
		for i := range 5 + r.IntN(40) {
			cfg.Rules = append(cfg.Rules, reflexive.Rule{Name: fmt.Sprint("r", i), When: randomRule(r, 3), Then: reflexive.ActionResolve})
		}
		linear := newReal(t, func(c *reflexive.Config) { *c = cfg })
		cfg.Scope = expr.SignalScope
		indexed := newReal(t, func(c *reflexive.Config) { *c = cfg })
		answered := 0
		for i := range uint64(300) {
			e := randomSignal(r, i+1)
			got, want := decide(t, indexed, e), decide(t, linear, e)
			if got.Rule != want.Rule || got.Disposition != want.Disposition {
				t.Fatalf("round %d: %+v is answered by %q, and by %q one after the other: %v", round, e.Signal, got.Rule, want.Rule, cfg.Rules)
			}
			if got.Rule != "" {
				answered++
			}
		}
		if answered == 0 {
			t.Errorf("round %d: no rule ever answers", round)
		}
	}
}

// BenchmarkFiveThousandRules evaluates contents that come for the first time.
func BenchmarkFiveThousandRules(b *testing.B) {
	cfg := reflexive.DefaultConfig()
	for i := range 5000 {
		cfg.Rules = append(cfg.Rules, reflexive.Rule{
			Name: fmt.Sprint("r", i), Then: reflexive.ActionResolve,
			When: fmt.Sprintf(`source == "alerts" && labels.alertname == "Alert%d" && severity <= warning`, i),
		})
	}
	for _, name := range []string{"indexed", "linear"} {
		b.Run(name, func(b *testing.B) {
			if name == "indexed" {
				cfg.Scope = expr.SignalScope
			} else {
				cfg.Scope = nil
			}
			l := newReal(b, func(c *reflexive.Config) { *c = cfg })
			e := signal(1, func(e *layers.Envelope) { e.Source = "alerts" })
			for i := 0; b.Loop(); i++ {
				e.ID, e.Origin = strconv.Itoa(i), uint64(i)+1
				e.Labels = map[string]string{"alertname": fmt.Sprint("Alert", i%5000), "n": strconv.Itoa(i)}
				decide(b, l, e)
			}
		})
	}
}
