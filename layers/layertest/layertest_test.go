package layertest

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// counter is a small layer that keeps all rules: it counts signals per source, up to a bound,
// and waits for a tick after a critical. breaks makes it break one rule.
type counter struct {
	state  state
	breaks string
}

type state struct {
	Counts  map[string]int
	Total   int
	Pending bool
	Padding []string
}

func newCounter(breaks string) *counter {
	return &counter{breaks: breaks, state: state{Counts: map[string]int{}}}
}

func (c *counter) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	if c.breaks == "error" {
		c.state.Total++
	}
	if err := ctx.Err(); err != nil {
		return layers.Decision{}, err
	}
	if e.ID == "fails" {
		return layers.Decision{}, layers.Permanent(errors.New("layertest: made to fail"))
	}
	c.state.Total++
	if len(c.state.Counts) < 100 {
		c.state.Counts[e.Source]++
	}
	c.state.Pending = c.state.Pending || e.Severity == layers.SeverityCritical
	d := layers.Decision{Disposition: layers.DispositionResolved, Reason: "counted as number " + strconv.Itoa(c.state.Total)}
	c.misbehave(e, &d)
	return d, nil
}

func (c *counter) misbehave(e *layers.Envelope, d *layers.Decision) {
	switch c.breaks {
	case "reason":
		d.Reason = ""
	case "long":
		d.Reason = "too long " + strings.Repeat("x", MaxReasonBytes)
	case "disposition":
		d.Disposition = 0
	case "dead":
		d.Disposition = layers.DispositionDead
	case "escalated":
		d.Disposition = layers.DispositionEscalated
	case "event":
		d.Events = []layers.Event{{}}
	case "anomaly":
		e.Findings.Anomaly = 2
	case "touch":
		e.Key = "changed"
	case "random":
		if rand.IntN(2) == 0 {
			d.Reason = "counted by chance only"
		}
	case "grow":
		c.state.Padding = append(c.state.Padding, e.ID)
	case "panic":
		_ = e.Labels[e.ID[:1]]
	}
}

func (c *counter) Snapshot() ([]byte, error) {
	kept := c.state
	switch c.breaks {
	case "forget":
		kept.Total = 0
	case "bytes":
		kept.Padding = []string{time.Now().String()}
	}
	return json.Marshal(kept)
}

func (c *counter) Restore(snapshot []byte) error {
	restored := state{Counts: map[string]int{}}
	if c.breaks == "trace" {
		c.state.Total++
	}
	if err := json.Unmarshal(snapshot, &restored); err != nil && c.breaks != "rubbish" {
		return err
	}
	c.state = restored
	return nil
}

func (c *counter) Waiting() bool { return c.state.Pending || c.breaks == "waits" }

func (c *counter) Tick(time.Time) []layers.Event {
	if !c.state.Pending && c.breaks == "tick" {
		c.state.Total++
	}
	c.state.Pending = c.breaks == "forever"
	return nil
}

func harness(breaks string) Harness {
	return Harness{
		New:              func(testing.TB) layers.Layer { return newCounter(breaks) },
		Envelopes:        func() []*layers.Envelope { return Mixed(1, 400) },
		Failing:          func() []*layers.Envelope { return []*layers.Envelope{{Signal: layers.Signal{ID: "fails"}}} },
		Floods:           20_000,
		MaxSnapshotBytes: 8 << 10,
		MaxHeapBytes:     4 << 20,
		Highest:          true,
	}
}

func TestAGoodLayerPasses(t *testing.T) { Run(t, harness("")) }

func TestEveryBreachIsFound(t *testing.T) {
	breaches := map[string]string{
		"reason": "decisions are valid and explained", "long": "decisions are valid and explained",
		"disposition": "decisions are valid and explained", "dead": "decisions are valid and explained",
		"escalated": "decisions are valid and explained", "event": "decisions are valid and explained",
		"anomaly": "decisions are valid and explained", "touch": "only findings are written",
		"random": "same input same decisions", "error": "an error leaves no trace", "panic": "hostile input",
		"forget": "snapshot and restore change nothing", "bytes": "snapshots are deterministic",
		"rubbish": "rubbish is no snapshot", "trace": "rubbish is no snapshot", "grow": "memory is bounded",
		"waits": "ticks", "tick": "ticks", "forever": "ticks",
	}
	for breach, want := range breaches {
		t.Run(breach, func(t *testing.T) {
			for _, c := range checks() {
				if c.name == want && run(t, c, harness(breach)) == nil {
					t.Errorf("%q was not found by %q", breach, want)
				}
			}
		})
	}
}

// run turns the panic of a layer into an error, as a failing test would.
func run(t *testing.T, c check, h Harness) (err error) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("panicked")
		}
	}()
	return c.check(t, h)
}

func TestAHarnessMustStateABound(t *testing.T) {
	h := harness("")
	h.MaxSnapshotBytes = 0
	if err := checkBounds(t, h); err == nil {
		t.Error("a Keeper without MaxSnapshotBytes passed")
	}
}

func TestMixedIsARealisticInput(t *testing.T) {
	envelopes := Mixed(7, 2000)
	if diff := cmp.Diff(envelopes, Mixed(7, 2000)); diff != "" {
		t.Errorf("the same seed gave another input:\n%s", diff)
	}
	if cmp.Equal(envelopes, Mixed(8, 2000)) {
		t.Error("another seed gave the same input")
	}
	count, ids := map[string]int{}, map[string]bool{}
	for _, e := range envelopes {
		ids[e.Identity()] = true
		count[e.Type]++
		count["severity "+e.Severity.String()]++
		count[e.Labels["alertstatus"]]++
		if e.HasValue && e.Value > 75 {
			count["spike"]++
		}
	}
	if len(ids) != len(envelopes) {
		t.Errorf("%d distinct ids in %d envelopes", len(ids), len(envelopes))
	}
	for _, kind := range []string{
		"log", "metric.cpu", "alert", "io.k8s.event", "com.example.order", "firing", "resolved", "spike",
		"severity ", "severity debug", "severity info", "severity warning", "severity error", "severity critical",
	} {
		if count[kind] == 0 {
			t.Errorf("no %q in the input", kind)
		}
	}
}

func TestMinedNamesEachTemplateOnce(t *testing.T) {
	seen := map[string]string{}
	for _, e := range Mined(3, 1000) {
		f := e.Findings
		if f.TemplateID == "" {
			continue
		}
		if _, known := seen[f.TemplateID]; known == f.NewTemplate {
			t.Fatalf("%s: known %v, new template %v", e.ID, known, f.NewTemplate)
		}
		if was, known := seen[f.TemplateID]; known && was != f.Template {
			t.Fatalf("%s: id of %q and of %q", e.ID, was, f.Template)
		}
		if strings.Count(f.Template, "<*>") != len(f.Parameters) {
			t.Fatalf("%s: %q with parameters %q", e.ID, f.Template, f.Parameters)
		}
		seen[f.TemplateID] = f.Template
	}
	if len(seen) < 10 {
		t.Errorf("%d templates in 1000 signals", len(seen))
	}
}

func TestCloneSharesNothing(t *testing.T) {
	e := Mined(1, 1)[0]
	e.Labels, e.Data, e.Hops = map[string]string{"a": "b"}, []byte("{}"), []layers.Hop{{Layer: layers.NameL1}}
	e.Findings.Parameters, e.Findings.Features = []string{"p"}, map[string]float64{"value": 1}
	e.Findings.Situation = &layers.Situation{
		MemberIDs: []string{"m"}, Entities: []layers.Entity{{Name: "n"}}, Recalled: []layers.Recall{{SituationID: "s"}},
	}
	c := Clone(e)
	if diff := cmp.Diff(e, c); diff != "" {
		t.Fatalf("the copy differs:\n%s", diff)
	}
	c.Labels["a"], c.Data[0], c.Hops[0].Layer = "x", 'x', layers.NameL2
	c.Findings.Parameters[0], c.Findings.Features["value"] = "x", 2
	s := c.Findings.Situation
	s.MemberIDs[0], s.Entities[0].Name, s.Recalled[0].SituationID = "x", "x", "x"
	want := Clone(e)
	if e.Labels["a"] != "b" || e.Data[0] != '{' || e.Hops[0].Layer != layers.NameL1 || want.Findings.Parameters[0] != "p" ||
		e.Findings.Features["value"] != 1 || e.Findings.Situation.MemberIDs[0] != "m" ||
		e.Findings.Situation.Entities[0].Name != "n" || e.Findings.Situation.Recalled[0].SituationID != "s" {
		t.Errorf("a change of the copy reached the original: %+v", e)
	}
}
