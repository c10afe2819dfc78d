package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// TestBadFiles compares what is said about each file of testdata/bad with the text beside it.
// go test -update writes the texts.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "testdata/bad/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse("hal9.yaml", data)
			if err == nil {
				t.Fatal("no error")
			}
			goldentest.Check(t, strings.TrimSuffix(path, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestGoodFiles(t *testing.T) {
	t.Parallel()
	for _, path := range append(glob(t, "testdata/good/*.yaml"), "testdata/example.yaml") {
		if _, err := Load(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if problems, err := Lint(path); err != nil || len(problems) > 0 {
			t.Errorf("lint %s: %v %v", path, problems, err)
		}
	}
}

func TestExampleIsRead(t *testing.T) {
	t.Parallel()
	file, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := reflexive.Rule{
		Name:   "staging-stays-below-error",
		When:   `labels.env == "staging" && severity < error`,
		Then:   reflexive.ActionSuppress,
		Reason: "staging may warn as much as it likes",
	}
	if diff := cmp.Diff(want, file.Rules[4]); diff != "" {
		t.Errorf("rule: (-want +got)\n%s", diff)
	}
	windows := Windows{Dedup: 10 * time.Minute, Alert: 6 * time.Hour, Lateness: 30 * time.Second, Situation: 15 * time.Minute}
	if diff := cmp.Diff(windows, file.Windows); diff != "" {
		t.Errorf("windows: (-want +got)\n%s", diff)
	}
	if !file.InOrder {
		t.Error("in_order is not read")
	}
	l4 := policy.DefaultConfig()
	l4.Drain, l4.Rate = 2*time.Minute, 50
	if diff := cmp.Diff(l4, file.Scaling.For(layers.NameL4)); diff != "" {
		t.Errorf("scaling of L4: (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(policy.DefaultConfig(), file.Scaling.For(layers.NameL3)); diff != "" {
		t.Errorf("scaling of L3: (-want +got)\n%s", diff)
	}
	source := file.Sources[1]
	if source.Severity != layers.SeverityInfo || source.Labels["team"] != "data" || source.Key != "labels.instance" {
		t.Errorf("source: %+v", source)
	}
	objective := file.Objectives[0]
	if objective.Target != 0.999 || objective.Window != 720*time.Hour || objective.Total != "true" {
		t.Errorf("objective: %+v", objective)
	}
	if got := len(file.Playbooks[0].Steps); got != 3 {
		t.Errorf("playbook has %d steps", got)
	}
	if got := file.Sinks[2]; got.On != "verdicts" || got.Subject != "audit.hal9" || got.Webhook != "" {
		t.Errorf("sink: %+v", got)
	}
}

// TestDefaultsStay reads a file that says one thing: everything else keeps its default.
func TestDefaultsStay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "windows:\nobjectives:\n"} {
		file, err := Parse("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Default(), file); diff != "" {
			t.Errorf("%q: (-default +got)\n%s", text, diff)
		}
	}
	want := Default()
	want.Windows.Dedup = time.Hour
	file, err := Parse("x", []byte("windows: {dedup: 1h}\n"))
	if diff := cmp.Diff(want, file); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestDefaultIsValid(t *testing.T) {
	t.Parallel()
	w := Default().Windows
	var text strings.Builder
	fmt.Fprintf(&text, "windows: {dedup: %s, lateness: %s, situation: %s}\nobjectives:\n", w.Dedup, w.Lateness, w.Situation)
	for _, o := range Default().Objectives {
		fmt.Fprintf(&text, "- {name: %s, target: %v, window: %s, total: '%s', good: '%s'}\n",
			o.Name, o.Target, o.Window, o.Total, o.Good)
	}
	if _, err := Parse("x", []byte(text.String())); err != nil {
		t.Errorf("%v\n%s", err, text.String())
	}
}

func TestLoadSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, err := Load(filepath.Join(t.TempDir(), "no.yaml"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "create it") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "config: ") {
		t.Errorf("folder: %v", err)
	}
	path := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(path, []byte(strings.Repeat("#\n", maxBytes)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than 1048576 bytes") {
		t.Errorf("large file: %v", err)
	}
}

// TestProblemsAreTyped relies on the joined errors: callers show them one by one.
func TestProblemsAreTyped(t *testing.T) {
	t.Parallel()
	_, err := Parse("hal9.yaml", []byte("rulez: 1\nwindows: {dedup: 5}\n"))
	problem, ok := errors.AsType[*Problem](err)
	if !ok || problem.File != "hal9.yaml" || problem.Line != 1 || problem.Column != 1 {
		t.Errorf("%T %+v", err, problem)
	}
	if got := len(strings.Split(err.Error(), "\n")); got != 2 {
		t.Errorf("%d problems: %v", got, err)
	}
}

// TestBombs are small files that grow when aliases are followed or that nest without end.
func TestBombs(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	wide.WriteString("sources:\n- &s\n  match: a\n  type: b\n  labels:\n")
	for i := range 2000 {
		fmt.Fprintf(&wide, "    l%d: v\n", i)
	}
	wide.WriteString(strings.Repeat("- *s\n", 2000))
	for name, text := range map[string]string{
		"wide":    wide.String(),
		"cycle":   "sources: &a\n- labels: *a\n  match: *a\n- *a\n",
		"deep":    "sources: " + strings.Repeat("[", 100_000),
		"deep ok": "sources: " + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
		"many":    "sources:\n" + strings.Repeat("- {a: b}\n", 50_000),
	} {
		started := time.Now()
		_, err := Parse(name, []byte(text))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		if got := strings.Count(err.Error(), "\n") + 1; got > maxProblems+1 {
			t.Errorf("%s: %d problems", name, got)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	return paths
}
