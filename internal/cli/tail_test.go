package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// sample returns a verdict on signal n.
func sample(n int, change func(*layers.Verdict)) *layers.Verdict {
	at := noon.Add(time.Duration(n) * time.Second)
	v := &layers.Verdict{
		SignalID: fmt.Sprint("web-", n), Source: "web", Key: "db-1", Layer: layers.NameL2,
		Disposition: layers.DispositionResolved, Reason: "the template is known", Severity: layers.SeverityInfo,
		EventTime: at, ReceivedAt: at, DecidedAt: at.Add(2500 * time.Microsecond), TraceID: "0af7651916cd43dd8448eb211c80319c",
		Hops: []layers.Hop{{Layer: layers.NameL1, WaitUS: 300, ProcessUS: 20}, {Layer: layers.NameL2, WaitUS: 1200, ProcessUS: 180}},
	}
	if change != nil {
		change(v)
	}
	return v
}

func sampleSituation() *layers.Situation {
	return &layers.Situation{
		ID: "sit-1", Event: layers.SituationUpdated, Revision: 2, Severity: layers.SeverityCritical, Key: "db-1",
		Title: "disk is full", OpenedAt: noon, UpdatedAt: noon.Add(time.Minute), Members: 12, MemberIDs: []string{"web-1"},
		Entities: []layers.Entity{{Name: "db-1", Score: 0.75}, {Name: "web-2", Score: 0.25}}, Anomaly: 0.9,
		Recalled: []layers.Recall{{SituationID: "sit-0", Similarity: 0.87, Outcome: "old logs were removed"}}, PlanID: "plan-1",
	}
}

func samplePlan() *layers.Plan {
	return &layers.Plan{
		ID: "plan-1", Event: layers.PlanProposed, SituationID: "sit-1", Key: "db-1", Severity: layers.SeverityCritical,
		Playbook: "disk", Title: "Make room", Steps: []string{"look at df -h", "remove old logs"},
		Reasons: []string{"playbook disk matches", "sit-0 ended so"}, ProposedAt: noon,
	}
}

// verdicts are one of each kind that people see.
func sampleVerdicts() []*layers.Verdict {
	return []*layers.Verdict{
		sample(1, nil),
		sample(2, func(v *layers.Verdict) {
			v.Layer, v.Disposition, v.Severity, v.Reason = layers.NameL1, layers.DispositionSuppressed, layers.SeverityUnset, "seen before"
		}),
		sample(3, func(v *layers.Verdict) {
			v.Layer, v.Disposition, v.Severity, v.Source, v.Key = layers.NameL3, layers.DispositionFolded, layers.SeverityError, "a-source-with-a-long-name", "a-key-that-is-longer-than-its-column"
			v.Reason, v.SituationID = "joins sit-1", "sit-1"
		}),
		sample(4, func(v *layers.Verdict) {
			v.Layer, v.Severity, v.Reason, v.SituationID, v.Rule = layers.NameL5, layers.SeverityCritical, "within its budget", "sit-1", "availability"
			v.TemplateID, v.Template, v.Anomaly, v.PlanID = "ca1079e7", "disk <*> is full", 0.93, "plan-1"
		}),
		sample(5, func(v *layers.Verdict) {
			v.Layer, v.Disposition, v.Severity, v.Source, v.Key = layers.NameL1, layers.DispositionDead, layers.SeverityUnset, "evil", ""
			v.Reason = "red \x1b[31m, bell \a, line\nend, \u202eright to left"
		}),
	}
}

func publishSamples(t *testing.T, b *bus.Bus) {
	t.Helper()
	for _, v := range sampleVerdicts() {
		publish(t, b, verdictRecord(t, v))
	}
	publish(t, b, situationRecord(t, sampleSituation()), planRecord(t, samplePlan()))
}

// tailing runs a tail to its end and returns what it shows, one text a line.
func tailing(t *testing.T, b *bus.Bus, options cli.TailOptions) (shown, notes []string, err error) {
	t.Helper()
	out, noted := &buffer{}, &buffer{}
	options.Place = time.UTC
	tail := cli.Tail{Options: options, Bus: b, Screen: cli.Screen{Out: out}, Notes: noted}
	err = tail.Run(t.Context())
	return strings.SplitAfter(out.String(), "\n"), strings.SplitAfter(noted.String(), "\n"), err
}

func TestTailForPeople(t *testing.T) {
	b, _ := provisioned(t)
	publishSamples(t, b)
	var all bytes.Buffer
	for _, kind := range cli.Kinds() {
		count := map[cli.Kind]int{cli.KindVerdicts: 5}[kind]
		for _, colour := range []bool{false, true} {
			tail := cli.Tail{
				Options: cli.TailOptions{Filter: cli.Filter{Kinds: []cli.Kind{kind}}, From: cli.From{Start: true}, Count: max(1, count), Place: time.UTC},
				Bus:     b, Screen: cli.Screen{Out: &all, Colour: colour}, Notes: os.Stderr,
			}
			if err := tail.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	goldentest.Check(t, "testdata/tail.golden", strings.ReplaceAll(all.String(), "\x1b", "^"))
}

func TestTailForProgramsAddsNothing(t *testing.T) {
	b, _ := provisioned(t)
	publishSamples(t, b)
	odd := `{"signal_id":"x","unknown":[1, 2],"source":"web"}`
	publish(t, b,
		pipeline.Record{Subject: "hal9.verdicts.L1.resolved", Data: []byte(odd)},
		pipeline.Record{Subject: "hal9.verdicts.L1.resolved", Data: []byte("{\n\"signal_id\": \"y\"\n}")},
		pipeline.Record{Subject: "hal9.verdicts.L1.resolved", Data: []byte("no\x1bthing")},
		verdictRecord(t, sample(9, nil)))
	shown, notes, err := tailing(t, b, cli.TailOptions{
		Filter: cli.Filter{Kinds: []cli.Kind{cli.KindVerdicts}}, From: cli.From{Start: true}, Count: 8, Timeout: 10 * time.Second, JSON: true,
	})
	var want []string
	for _, v := range sampleVerdicts() {
		want = append(want, string(encode(t, v))+"\n")
	}
	want = append(want, odd+"\n", `{"signal_id":"y"}`+"\n", string(encode(t, sample(9, nil)))+"\n", "")
	if diff := cmp.Diff(want, shown); err != nil || diff != "" {
		t.Errorf("%v, lines (-want +got):\n%s", err, diff)
	}
	if !strings.Contains(notes[0], "message 8 of HAL9_VERDICTS is none of HAL9's") {
		t.Errorf("notes %q, want one about message 8", notes)
	}
}

func TestTailFilters(t *testing.T) {
	b, _ := provisioned(t)
	publishSamples(t, b)
	for _, c := range []struct {
		name   string
		filter cli.Filter
		want   []string
	}{
		{"none", cli.Filter{}, []string{"plan-1", "sit-1", "web-1", "web-2", "web-3", "web-4", "web-5"}},
		{"layers", cli.Filter{Layers: []layers.Name{layers.NameL1, layers.NameL3, layers.NameL1}}, []string{"web-2", "web-3", "web-5"}},
		{"disposition", cli.Filter{Dispositions: []layers.Disposition{layers.DispositionResolved}}, []string{"web-1", "web-4"}},
		{"layer and disposition", cli.Filter{Layers: []layers.Name{layers.NameL1}, Dispositions: []layers.Disposition{layers.DispositionDead}}, []string{"web-5"}},
		{"source", cli.Filter{Sources: []string{"evil", "other"}}, []string{"web-5"}},
		{"key", cli.Filter{Keys: []string{"db-1"}}, []string{"plan-1", "sit-1", "web-1", "web-2", "web-4"}},
		{"severity", cli.Filter{Severity: layers.SeverityError}, []string{"plan-1", "sit-1", "web-3", "web-4"}},
		{"kinds", cli.Filter{Kinds: []cli.Kind{cli.KindPlans, cli.KindSituations}}, []string{"plan-1", "sit-1"}},
		{"kinds beside a source", cli.Filter{Kinds: cli.Kinds(), Sources: []string{"evil"}}, []string{"plan-1", "sit-1", "web-5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shown, _, err := tailing(t, b, cli.TailOptions{Filter: c.filter, From: cli.From{Start: true}, Timeout: 500 * time.Millisecond, JSON: true})
			got := []string{}
			for _, line := range shown[:len(shown)-1] {
				var ids struct {
					SignalID string `json:"signal_id"`
					ID       string `json:"id"`
				}
				if err := json.Unmarshal([]byte(line), &ids); err != nil {
					t.Fatal(err)
				}
				got = append(got, ids.SignalID+ids.ID)
			}
			sorted := cmp.Transformer("sort", func(in []string) map[string]int {
				counts := map[string]int{}
				for _, id := range in {
					counts[id]++
				}
				return counts
			})
			if diff := cmp.Diff(c.want, got, sorted); err != nil || diff != "" {
				t.Errorf("%v, ids (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestTailBeginsWhereItIsTold(t *testing.T) {
	b, _ := provisioned(t)
	publish(t, b, verdictRecord(t, sample(1, nil)))
	time.Sleep(20 * time.Millisecond) // NATS and this process need not have the same clock to the millisecond.
	since := time.Now()
	publish(t, b, verdictRecord(t, sample(2, nil)))
	for _, c := range []struct {
		from cli.From
		want int
	}{{cli.From{Start: true}, 2}, {cli.From{Since: since}, 1}, {cli.From{}, 0}} {
		shown, _, err := tailing(t, b, cli.TailOptions{From: c.from, Timeout: 300 * time.Millisecond})
		if n := len(shown) - 1; err != nil || n != c.want {
			t.Errorf("from %+v: %d shown (%v), want %d", c.from, n, err, c.want)
		}
	}
}

func TestParseFrom(t *testing.T) {
	for text, want := range map[string]cli.From{
		"": {}, "now": {}, "start": {Start: true}, "5m": {Since: noon.Add(-5 * time.Minute)},
		"2026-01-31T10:00:00Z": {Since: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)},
	} {
		if got, err := cli.ParseFrom(text, noon); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-5m", "5"} {
		if got, err := cli.ParseFrom(text, noon); err == nil {
			t.Errorf("%q is %+v, want an error", text, got)
		}
	}
}

func TestTailFailsWhereTheCountIsNotReached(t *testing.T) {
	b, _ := provisioned(t)
	publish(t, b, verdictRecord(t, sample(1, nil)), situationRecord(t, sampleSituation()))
	_, _, err := tailing(t, b, cli.TailOptions{From: cli.From{Start: true}, Count: 2, Timeout: 300 * time.Millisecond})
	if err == nil || err.Error() != "cli: 1 of 2 seen within 300ms" {
		t.Errorf("error %v, want one that says how many there were", err)
	}
}

func TestTailEndsWithItsContext(t *testing.T) {
	b, server := provisioned(t)
	for _, away := range []bool{false, true} {
		if away {
			server.Stop()
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		tail := cli.Tail{Options: cli.TailOptions{Place: time.UTC}, Bus: b, Screen: cli.Screen{Out: &buffer{}}, Notes: &buffer{}}
		done := make(chan error, 1)
		go func() { done <- tail.Run(ctx) }()
		time.Sleep(200 * time.Millisecond)
		cancel(errors.New("a signal of the system"))
		select {
		case err := <-done:
			if err != nil && !away {
				t.Errorf("error %v, want none", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("it did not end, server away: %t", away)
		}
	}
}

func TestTailOutlastsARestart(t *testing.T) {
	b, server := provisioned(t)
	out := &buffer{}
	tail := cli.Tail{
		Options: cli.TailOptions{From: cli.From{Start: true}, Count: 200, Timeout: time.Minute, JSON: true, Place: time.UTC},
		Bus:     b, Screen: cli.Screen{Out: out}, Notes: &buffer{},
	}
	done := make(chan error, 1)
	go func() { done <- tail.Run(t.Context()) }()
	publisher := connect(t, server)
	var want strings.Builder
	for i := range 200 {
		if i == 100 {
			out.waitFor(t, `"web-50"`)
			server.Stop()
			server.Restart(t)
		}
		v := sample(i, nil)
		publish(t, publisher, verdictRecord(t, v))
		want.Write(append(encode(t, v), '\n'))
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), out.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestColoursNeedATerminal(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	if cli.NewScreen(&buffer{}, none).Colour {
		t.Error("colours without a terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	defer terminal.Close()
	if !cli.NewScreen(terminal, none).Colour {
		t.Error("no colours on a terminal")
	}
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		if cli.NewScreen(terminal, func(n string) (string, bool) { return value, n == name }).Colour {
			t.Errorf("colours in spite of %s", name)
		}
	}
	if !cli.NewScreen(terminal, func(string) (string, bool) { return "", true }).Colour {
		t.Error("an empty NO_COLOR counts")
	}
}
