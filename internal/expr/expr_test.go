package expr

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

func sampleSignal() *layers.Signal {
	return &layers.Signal{
		ID: "1", Source: "nginx", Type: "access", Key: "web-1", Severity: layers.SeverityError,
		Labels: map[string]string{"env": "prod", "code": "500", "a b": "c"},
		Value:  12.5, HasValue: true, Text: "GET /orders 500 in 12.5 s",
		Data: json.RawMessage(`{"status":500,"size":3,"items":[{"n":1},{"n":2}],"urgent":true,"who":{"name":"ann"},"none":null}`),
	}
}

// TestSignal evaluates conditions on one complete signal and on an empty one, of which
// everything is absent.
func TestSignal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		expression   string
		onSample     bool
		onEmpty      bool
		whyItMatters string
	}{
		{`severity >= error`, true, false, "the constants"},
		{`severity < warning`, false, true, "unset is below debug"},
		{`severity in [error, critical]`, true, false, "constants in a list"},
		{`source == "nginx" && type == "access" && key == "web-1"`, true, false, "type is a name of CEL, too"},
		{`source in ["nginx", "envoy"]`, true, false, "set membership"},
		{`source.startsWith("ng") || key.endsWith("-2")`, true, false, "strings"},
		{`text.matches(r"\b5\d\d\b")`, true, false, "regular expressions"},
		{`text.lowerAscii().contains("get /orders")`, true, false, "extended strings"},
		{`text.split(" ").exists(w, w == "500")`, true, false, "loops"},
		{`value > 5`, true, false, "a whole number beside a double; no value is no 0"},
		{`value < 5`, false, false, "no value is no 0"},
		{`!(value > 5)`, false, false, "no value is no 0, negated"},
		{`!has_value`, false, true, "has_value is always there"},
		{`labels.env == "prod"`, true, false, "labels"},
		{`labels.env != "test"`, true, false, "an absent label holds in neither direction"},
		{`labels["a b"] == "c"`, true, false, "labels by index"},
		{`has(labels.env)`, true, false, "presence"},
		{`!has(labels.team)`, true, true, "absence"},
		{`"env" in labels`, true, false, "presence by in"},
		{`int(labels.code) >= 500`, true, false, "conversion"},
		{`int(labels.env) >= 500`, false, false, "failing conversion"},
		{`labels.team == "core" || severity == error`, true, false, "the other side of || decides"},
		{`data.status >= 500`, true, false, "numbers of the payload beside whole numbers"},
		{`data.status == 500`, true, false, "numbers of the payload are doubles and equal ints"},
		{`data.items[1].n == 2`, true, false, "elements"},
		{`data.items.all(i, i.n > 0)`, true, false, "loops over the payload"},
		{`data.who.name == "ann"`, true, false, "nesting"},
		{`data.who == "ann"`, false, false, "another type"},
		{`data.who.name.x == "ann"`, false, false, "a field of a string"},
		{`data.none == null`, true, false, "null"},
		{`data.urgent == true`, true, false, "bool"},
		{`data == null`, false, false, "no payload is absent"},
		{`size(data.items) == 2`, true, false, "size"},
		{`int(data.size) % 2 == 1`, true, false, "int arithmetic on the payload"},
		{`has_value ? value > 10 : severity == error`, true, false, "conditional"},
		{`{"nginx": 10.0}[source] < value`, true, false, "a table of thresholds"},
		{`1 / int(data.none) == 1`, false, false, "failure is no match"},
	}
	for _, test := range tests {
		t.Run(test.expression, func(t *testing.T) {
			t.Parallel()
			condition, err := Signal(test.expression)
			if err != nil {
				t.Fatal(err)
			}
			if got := condition(sampleSignal()); got != test.onSample {
				t.Errorf("on the sample: got %t (%s)", got, test.whyItMatters)
			}
			if got := condition(&layers.Signal{}); got != test.onEmpty {
				t.Errorf("on the empty signal: got %t (%s)", got, test.whyItMatters)
			}
			if condition(nil) {
				t.Error("holds on no signal at all")
			}
		})
	}
}

func TestSituation(t *testing.T) {
	t.Parallel()
	situation := &layers.Situation{
		Severity: layers.SeverityCritical, Key: "db-1", Title: "2 keys: too many connections", Members: 12, Anomaly: 0.9,
		Entities: []layers.Entity{{Name: "db-1", Score: 0.8}, {Name: "web-1", Score: 0.2}},
	}
	holds(t, Situation, situation,
		`severity == critical`, `key == "db-1"`, `title.contains("connections")`, `members > 10`, `anomaly >= 0.5`,
		`"web-1" in entities`, `entities[0] == "db-1"`, `entities.exists(e, e.startsWith("web"))`)
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	verdict := &layers.Verdict{
		Source: "nginx", Key: "web-1", Layer: layers.NameL3, Disposition: layers.DispositionResolved,
		Reason: "within its baseline", Rule: "r", TemplateID: "t", Anomaly: 0.25, SituationID: "s",
		Severity: layers.SeverityWarning,
	}
	holds(t, Verdict, verdict,
		`source == "nginx"`, `key == "web-1"`, `layer == "L3"`, `disposition == "resolved"`, `rule == "r"`,
		`reason.contains("baseline")`, `template_id == "t"`, `anomaly < 0.5`, `situation_id == "s"`, `severity < error`)
}

func holds[T any](t *testing.T, compile layers.Compiler[T], value *T, expressions ...string) {
	t.Helper()
	for _, expression := range expressions {
		condition, err := compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if !condition(value) {
			t.Errorf("%s: does not hold", expression)
		}
		if negated, err := compile("!(" + expression + ")"); err != nil || negated(value) {
			t.Errorf("!(%s): holds, too (%v)", expression, err)
		}
	}
}

// TestPoolKeepsNothing uses one condition on signals in turn: what an earlier signal had must
// not be seen on a later one.
func TestPoolKeepsNothing(t *testing.T) {
	t.Parallel()
	condition, err := Signal(`data.status == 500 && labels.env == "prod" && value > 1`)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		got := []bool{condition(sampleSignal()), condition(&layers.Signal{}), condition(&layers.Signal{Data: []byte(`{`)})}
		if diff := cmp.Diff([]bool{true, false, false}, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	condition, err := Signal(`data.status == 500 && source.startsWith("n") && value > 1 && labels.env != ""`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if !condition(sampleSignal()) || condition(&layers.Signal{Source: "n"}) {
					t.Error("wrong answer")
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestMapOrder lets the order of maps decide; it must be the order of the keys.
func TestMapOrder(t *testing.T) {
	t.Parallel()
	signal := &layers.Signal{Labels: map[string]string{}, Data: []byte(`{"m":{"z":1,"y":2,"b":3,"a":4,"x":5}}`)}
	for key := range strings.SplitSeq("zyxwvutsrqponmlkjihgfedcba", "") {
		signal.Labels[key] = key
	}
	for _, expression := range []string{
		`labels.map(k, k)[0] == "a"`, `labels.filter(k, k > "b")[3] == "f"`,
		`data.m.map(k, k) == ["a", "b", "x", "y", "z"]`,
	} {
		condition, err := Signal(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		for range 20 {
			if !condition(signal) {
				t.Fatalf("%s: does not hold", expression)
			}
		}
	}
}
