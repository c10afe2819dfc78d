package reflexive_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

func TestTheFirstRuleThatHoldsAnswers(t *testing.T) {
	l := newLayer(t, withRules(
		reflexive.Rule{Name: "keep", When: "text important", Then: reflexive.ActionEscalate},
		reflexive.Rule{Name: "quiet", When: "source web", Then: reflexive.ActionSuppress, Reason: "web is being rebuilt"},
		reflexive.Rule{Name: "numbers", When: "value", Then: reflexive.ActionResolve},
	))
	important := func(e *layers.Envelope) { e.Text, e.Severity = "important", layers.SeverityDebug }
	number := func(e *layers.Envelope) { e.Source, e.HasValue = "db", true }
	other := func(e *layers.Envelope) { e.Source = "db" }
	debug := func(e *layers.Envelope) { e.Source, e.Severity = "db", layers.SeverityDebug }
	want(t, decide(t, l, signal(1, important)), layers.DispositionEscalated, "keep", "rule keep says escalate")
	want(t, decide(t, l, signal(2, nil)), layers.DispositionSuppressed, "quiet", "rule quiet: web is being rebuilt")
	want(t, decide(t, l, signal(3, number)), layers.DispositionResolved, "numbers", "rule numbers says resolve")
	want(t, decide(t, l, signal(4, other)), layers.DispositionEscalated, "", "nor answered by a rule")
	want(t, decide(t, l, signal(5, debug)), layers.DispositionResolved, "builtin:debug", "")
}

// counting compiles a rule that holds for text "hit" and counts its evaluations.
func counting(evaluations *int) layers.Compiler[layers.Signal] {
	return func(string) (layers.Condition[layers.Signal], error) {
		return func(s *layers.Signal) bool { *evaluations++; return s.Text == "hit" }, nil
	}
}

func TestAnswersAreCachedByContent(t *testing.T) {
	base := func(e *layers.Envelope) {
		e.Text, e.Labels, e.Data = "hit", map[string]string{"a": "bc", "d": "e", "f": "", "g": "", "h": "", "i": "", "j": ""}, []byte(`{}`)
		e.Value, e.HasValue = 0, true
	}
	changes := map[string]func(*layers.Envelope){
		"source":      func(e *layers.Envelope) { e.Source = "we" },
		"type":        func(e *layers.Envelope) { e.Type = "b" },
		"key":         func(e *layers.Envelope) { e.Key = "bhost-1" },
		"text":        func(e *layers.Envelope) { e.Text = "hi" },
		"severity":    func(e *layers.Envelope) { e.Severity = layers.SeverityInfo },
		"value":       func(e *layers.Envelope) { e.Value = math.Copysign(0, -1) },
		"no value":    func(e *layers.Envelope) { e.HasValue = false },
		"label":       func(e *layers.Envelope) { e.Labels["a"] = "b" },
		"label split": func(e *layers.Envelope) { delete(e.Labels, "a"); e.Labels["ab"] = "c" },
		"no labels":   func(e *layers.Envelope) { e.Labels = nil },
		"data":        func(e *layers.Envelope) { e.Data = []byte(`{ }`) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			evaluations := 0
			l, err := reflexive.New(withRules(reflexive.Rule{Name: "r", When: "x", Then: reflexive.ActionResolve}), counting(&evaluations))
			if err != nil {
				t.Fatal(err)
			}
			want(t, decide(t, l, signal(1, base)), layers.DispositionResolved, "r", "rule r says resolve")
			want(t, decide(t, l, signal(2, base)), layers.DispositionResolved, "r", "rule r says resolve (cached answer)")
			if evaluations != 1 {
				t.Errorf("%d evaluations of the same content, want 1", evaluations)
			}
			decide(t, l, changed(signal(3, base), change))
			if evaluations != 2 {
				t.Errorf("another content was answered from the cache")
			}
		})
	}
}

func TestThatNoRuleAnswersIsCachedToo(t *testing.T) {
	evaluations := 0
	l, err := reflexive.New(withRules(reflexive.Rule{Name: "r", When: "x", Then: reflexive.ActionResolve}), counting(&evaluations))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		want(t, decide(t, l, signal(i+1, nil)), layers.DispositionEscalated, "", "nor answered by a rule")
	}
	if evaluations != 1 {
		t.Errorf("%d evaluations, want 1", evaluations)
	}
}

func TestTheLeastRecentlyUsedAnswerIsForgotten(t *testing.T) {
	evaluations := 0
	cfg := withRules(reflexive.Rule{Name: "r", When: "x", Then: reflexive.ActionResolve})
	cfg.AnswerEntries = 2
	l, err := reflexive.New(cfg, counting(&evaluations))
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		text        string
		evaluations int
	}{{"a", 1}, {"b", 2}, {"a", 2}, {"c", 3}, {"a", 3}, {"b", 4}} {
		decide(t, l, signal(uint64(i)+1, func(e *layers.Envelope) { e.Text = step.text }))
		if evaluations != step.evaluations {
			t.Fatalf("step %d: %d evaluations, want %d", i, evaluations, step.evaluations)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	rules := withRules(reflexive.Rule{Name: "r", When: "text never", Then: reflexive.ActionResolve})
	for name, cfg := range map[string]reflexive.Config{"fresh": reflexive.DefaultConfig(), "cached answer": rules} {
		b.Run(name, func(b *testing.B) {
			l := newLayer(b, cfg)
			e := signal(1, func(e *layers.Envelope) { e.Labels = map[string]string{"host": "a", "pod": "b"} })
			ids := make([]string, 1<<17)
			for i := range ids {
				ids[i] = fmt.Sprintf("signal-%08d", i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e.ID, e.Origin = ids[i%len(ids)], uint64(i)+1
				decide(b, l, e)
			}
		})
	}
	b.Run("alert that still fires", func(b *testing.B) {
		l := newLayer(b, reflexive.DefaultConfig())
		e := alert(1, "firing")
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			e.ID, e.Origin = fmt.Sprintf("signal-%08d", i), uint64(i)+1
			decide(b, l, e)
		}
	})
}
