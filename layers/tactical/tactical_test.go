package tactical_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// diskFull is the playbook that most tests plan with.
func diskFull() tactical.Playbook {
	return tactical.Playbook{
		Name: "disk-full", When: `title.contains("disk full") && severity >= warning`, Title: "Make room",
		Steps: []string{"Delete old logs.", "Grow the volume."},
	}
}

func newLayer(tb testing.TB, playbooks ...tactical.Playbook) *tactical.Layer {
	tb.Helper()
	cfg := tactical.DefaultConfig()
	cfg.Playbooks = playbooks
	return newWith(tb, cfg)
}

func newWith(tb testing.TB, cfg tactical.Config) *tactical.Layer {
	tb.Helper()
	l, err := tactical.New(cfg, expr.Situation)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// situation returns an envelope whose signal opened a situation of the id on the key.
func situation(id, key, title string, severity layers.Severity) *layers.Envelope {
	return &layers.Envelope{
		Signal: layers.Signal{ID: "signal-of-" + id, Source: "test", Key: key, Time: noon, Severity: severity},
		Findings: layers.Findings{Situation: &layers.Situation{
			ID: id, Event: layers.SituationOpened, Revision: 1, Severity: severity, Key: key, Title: title,
			OpenedAt: noon, UpdatedAt: noon, Members: 1, Entities: []layers.Entity{{Name: key, Score: 1}},
		}},
	}
}

// worsened returns e as the signal that made another revision of its situation.
func worsened(e *layers.Envelope, revision int, severity layers.Severity) *layers.Envelope {
	s := *e.Findings.Situation
	s.Event, s.Revision, s.Severity, s.Members = layers.SituationUpdated, revision, severity, 10*revision
	again := *e
	again.ID = fmt.Sprintf("%s-%d", e.ID, revision)
	again.Severity = severity
	again.Findings.Situation = &s
	return &again
}

func decide(tb testing.TB, l *tactical.Layer, e *layers.Envelope) layers.Decision {
	tb.Helper()
	d, err := l.Decide(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// proposed returns the plan that d announces, which must be its first event; the second one is the situation, with the plan and what is
// recalled.
func proposed(tb testing.TB, d layers.Decision) *layers.Plan {
	tb.Helper()
	if len(d.Events) != 2 || d.Events[0].Plan == nil || d.Events[1].Situation == nil {
		tb.Fatalf("events are %+v: want one plan and its situation", d.Events)
	}
	plan, s := d.Events[0].Plan, d.Events[1].Situation
	if s.Event != layers.SituationUpdated || s.ID != plan.SituationID || s.Revision != plan.Revision || s.PlanID != plan.ID || len(s.Recalled) != len(plan.Recalled) {
		tb.Errorf("plan %+v, situation %+v: want the situation with the plan and what it recalls", plan, s)
	}
	return plan
}

func TestDecide(t *testing.T) {
	warning, critical := layers.SeverityWarning, layers.SeverityCritical
	tests := []struct {
		name      string
		playbooks []tactical.Playbook
		before    []*layers.Envelope
		envelope  *layers.Envelope
		want      layers.Disposition
		rule      string
		reason    []string // what it must contain
		planned   bool
	}{
		{
			name:     "no situation is nothing to plan",
			envelope: &layers.Envelope{Signal: layers.Signal{ID: "a", Source: "test", Severity: critical}},
			want:     layers.DispositionResolved, reason: []string{"nothing to plan"},
		},
		{
			name:     "no playbook and no memory",
			envelope: situation("sit-1", "db-1", "disk full", warning),
			want:     layers.DispositionEscalated,
			reason:   []string{"no playbook matches and nothing similar is remembered: handed up"},
		},
		{
			name: "a playbook for a new kind", playbooks: []tactical.Playbook{diskFull()},
			before:   []*layers.Envelope{situation("sit-0", "web-1", "certificate expires soon", warning)},
			envelope: situation("sit-1", "db-1", "disk full", warning),
			want:     layers.DispositionEscalated, planned: true,
			reason: []string{"playbook disk-full", "its kind is new here: handed up"},
		},
		{
			name: "a playbook for a known kind", playbooks: []tactical.Playbook{diskFull()},
			before:   []*layers.Envelope{situation("sit-0", "db-2", "disk full", warning)},
			envelope: situation("sit-1", "db-1", "disk full", warning),
			want:     layers.DispositionResolved, rule: "disk-full", planned: true,
			reason: []string{"plan-", "sit-1", "playbook disk-full", "sit-0", "similarity 0.82"},
		},
		{
			name: "a known kind that is critical", playbooks: []tactical.Playbook{diskFull()},
			before:   []*layers.Envelope{situation("sit-0", "db-1", "disk full", critical)},
			envelope: situation("sit-1", "db-1", "disk full", critical),
			want:     layers.DispositionEscalated, planned: true, reason: []string{"it is critical: handed up"},
		},
		{
			name: "similar but not the same kind", playbooks: []tactical.Playbook{diskFull()},
			before:   []*layers.Envelope{situation("sit-0", "web-1", "disk full", warning)},
			envelope: situation("sit-1", "db-1", "disk full", warning),
			want:     layers.DispositionEscalated, planned: true, reason: []string{"its kind is new here"},
		},
		{
			name:     "a known kind without a playbook",
			before:   []*layers.Envelope{situation("sit-0", "db-1", "disk full", warning)},
			envelope: situation("sit-1", "db-1", "disk full", warning),
			want:     layers.DispositionEscalated, planned: true, reason: []string{"rests on memory only, like sit-0"},
		},
		{
			name: "a playbook that does not match", playbooks: []tactical.Playbook{diskFull()},
			envelope: situation("sit-1", "db-1", "disk full", layers.SeverityInfo),
			want:     layers.DispositionEscalated, reason: []string{"no playbook matches"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLayer(t, test.playbooks...)
			for _, e := range test.before {
				decide(t, l, e)
			}
			d := decide(t, l, test.envelope)
			if d.Disposition != test.want || d.Rule != test.rule {
				t.Errorf("decided %s by rule %q (%s): want %s by rule %q", d.Disposition, d.Rule, d.Reason, test.want, test.rule)
			}
			for _, part := range test.reason {
				if !strings.Contains(d.Reason, part) {
					t.Errorf("reason %q does not say %q", d.Reason, part)
				}
			}
			f := test.envelope.Findings
			if planned := f.PlanID != "" && f.Situation.PlanID == f.PlanID && len(d.Events) == 2; planned != test.planned {
				t.Errorf("plan id %q, situation %+v, %d events: planned should be %v", f.PlanID, f.Situation, len(d.Events), test.planned)
			}
		})
	}
}
