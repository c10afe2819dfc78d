package trial

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/layers"
)

func example(t *testing.T) config.File {
	t.Helper()
	file, err := config.Load("../config/testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func runAll(t *testing.T, path string, file config.File) (outcomes []*Outcome) {
	t.Helper()
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range loaded.Tests {
		outcome, err := loaded.Run(t.Context(), file, i)
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

// TestExample runs what docs/testing.md shows; without the configuration that it tests, it fails.
func TestExample(t *testing.T) {
	t.Parallel()
	for _, o := range runAll(t, "testdata/example.test.yaml", example(t)) {
		for _, f := range o.Failures {
			t.Errorf("%s: %+v", o.Name, f)
		}
	}
	failed := 0
	for _, o := range runAll(t, "testdata/example.test.yaml", config.Default()) {
		failed += len(o.Failures)
	}
	if failed == 0 {
		t.Error("the default configuration passes the tests of another one")
	}
}

// TestFailuresSayWhatCame compares what is said where everything is expected wrongly.
func TestFailuresSayWhatCame(t *testing.T) {
	t.Parallel()
	loaded, err := Load("testdata/failing.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h := newHistory()
	h.Verdict(&layers.Verdict{
		SignalID: "a-1", Source: "db", Key: "db-1", Layer: layers.NameL5, Disposition: layers.DispositionResolved, Reason: "a person\x1b must look",
		Template: "no space left on device", Anomaly: 1, SituationID: "s", PlanID: "p", Severity: layers.SeverityCritical,
	})
	h.Verdict(&layers.Verdict{SignalID: "b", Source: "web", Key: "web", Layer: layers.NameL3, Disposition: layers.DispositionResolved, Reason: "usual"})
	h.Situation(&layers.Situation{
		ID: "s", Event: layers.SituationOpened, Severity: layers.SeverityCritical, Key: "db-1", Title: "db-1: no space left on device",
		Members: 1, MemberIDs: []string{"a-1"}, Entities: []layers.Entity{{Name: "db-1", Score: 1}},
	})
	h.Plan(&layers.Plan{
		ID: "p", Event: layers.PlanProposed, SituationID: "s", Key: "db-1", Playbook: "disk-full", Title: "A disk fills up",
		Steps: []string{"Find the largest files", "Rotate logs"}, Actions: []layers.Action{{Webhook: "https://ops.example/disk"}}, Reasons: []string{"Playbook disk-full applies"},
	})
	var b bytes.Buffer
	if err := Report(&b, []*Outcome{loaded.compare(0, h)}, false); err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/failing.txt", b.String())
	text, err := os.ReadFile("testdata/failing.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.SplitSeq("layer disposition rule reason template classes situation plan anomaly severity members cause "+
		"entities ids events open title steps actions reasons", " ") {
		if !strings.Contains(string(text), field+":") || !strings.Contains(b.String(), "]."+field) {
			t.Errorf("a wrong %s is not told", field)
		}
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bad", "bad2"} {
		_, err := Load("testdata/" + name + ".test.yaml")
		if err == nil {
			t.Fatalf("%s is fine", name)
		}
		goldentest.Check(t, "testdata/"+name+".txt", err.Error()+"\n")
	}
	for text, want := range map[string]string{
		"":                                  "there are no tests",
		"tests: []":                         "there are no tests",
		"tests: [{a: 1}]":                   `unknown key "a"`,
		"tests: [{name: a, signals: [{}]}]": "nothing is expected",
		"rules: []":                         `unknown key "rules"; known keys: tests`,
	} {
		if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestSameEveryTime runs the example again: everything is the same, down to the ids.
func TestSameEveryTime(t *testing.T) {
	t.Parallel()
	file := example(t)
	first, err := json.Marshal(everything(runAll(t, "testdata/example.test.yaml", file)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(everything(runAll(t, "testdata/example.test.yaml", file)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("a second run gives other results")
	}
}

func everything(outcomes []*Outcome) (all []any) {
	for _, o := range outcomes {
		all = append(all, o.Verdicts, o.Situations, o.Plans)
	}
	return all
}

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "x", true},
		{"*", "", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "ab", true},
		{"*b", "ab", true},
		{"a*a", "a", false},
		{"a*c*e", "abcde", true},
		{"a*c*e", "abde", false},
		{"**", "x", true},
	} {
		if got := glob(c.pattern, c.text); got != c.want {
			t.Errorf("%q fits %q: %v", c.pattern, c.text, got)
		}
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		holds []float64
		not   []float64
	}{
		{3.0, []float64{3}, []float64{2, 4}},
		{">= 3", []float64{3, 4}, []float64{2.9}},
		{">3", []float64{3.1}, []float64{3}},
		{"<= 3", []float64{3}, []float64{3.1}},
		{"< 3", []float64{2.9}, []float64{3}},
		{"2..5", []float64{2, 5}, []float64{1, 6}},
		{"0", []float64{0}, []float64{1}},
	} {
		a, err := parseAmount(c.value)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.holds {
			if !a.holds(n) {
				t.Errorf("%v does not hold for %v", c.value, n)
			}
		}
		for _, n := range c.not {
			if a.holds(n) {
				t.Errorf("%v holds for %v", c.value, n)
			}
		}
	}
	for _, bad := range []any{"many", ">= x", "5..2", true, "", "NaN", "..", []any{1.0}} {
		if _, err := parseAmount(bad); err == nil {
			t.Errorf("%v is an amount", bad)
		}
	}
}

// FuzzParse feeds files to the loader: it gives tests or problems, and tests that it gives run.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"example", "failing", "bad", "bad2"} {
		data, err := os.ReadFile("testdata/" + name + ".test.yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := Parse("x", data)
		if err != nil {
			return
		}
		for i := range loaded.Tests {
			all := 0
			for _, s := range loaded.Tests[i].Signals {
				all += s.Repeat
			}
			if all > 1000 {
				continue
			}
			if _, err := loaded.Run(t.Context(), config.Default(), i); err != nil {
				t.Error(err)
			}
		}
	})
}
