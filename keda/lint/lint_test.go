package lint_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/keda/lint"
)

func readFile(tb testing.TB, path string) lint.Source {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return lint.Source{Name: filepath.Base(path), Data: data}
}

func testdata(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) < 50 {
		tb.Fatalf("%d files in testdata: %v", len(paths), err)
	}
	return paths
}

// TestTraps holds each file in testdata, which has one trap, to its findings.
func TestTraps(t *testing.T) {
	var got strings.Builder
	seen := make(map[string]bool)
	for _, path := range testdata(t) {
		file := readFile(t, path)
		findings := lint.Lint(t.Context(), []lint.Source{file}, lint.NewNames(60, 262_144))
		for i := range findings {
			f := &findings[i]
			got.WriteString(f.String() + "\n")
			seen[f.Rule] = true
			if f.Why == "" || f.Do == "" {
				t.Errorf("%s: it says neither why nor what to do", f)
			}
			if lines := strings.Count(string(file.Data), "\n") + 1; f.Line < 1 || f.Line > lines {
				t.Errorf("%s: the file has %d lines", f, lines)
			}
		}
		if fine := strings.HasSuffix(path, "fine.yaml"); fine != (len(findings) == 0) {
			t.Errorf("%s: %d findings", path, len(findings))
		}
	}
	goldentest.Check(t, "testdata/findings.golden", got.String())
	for _, rule := range lint.Rules() {
		if !seen[rule] {
			t.Errorf("no file in testdata has the trap %s", rule)
		}
	}
}

// TestOwnFilesAreFine: what hal9-keda renders has none of the traps.
func TestOwnFilesAreFine(t *testing.T) {
	for pattern, least := range map[string]int{"../*.yaml": 6, "../stock/*.yaml": 6, "../web/*.yaml": 2} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) < least {
			t.Fatalf("%d files: %v", len(paths), err)
		}
		var files []lint.Source
		for _, path := range paths {
			files = append(files, readFile(t, path))
		}
		for _, f := range lint.Lint(t.Context(), files, lint.NewNames(60, 262_144)) {
			t.Error(f.String())
		}
	}
}

// facts say of one consumer what a test wants.
type facts struct {
	consumer lint.Consumer
	err      error
}

func (f facts) Consumer(context.Context, string, string) (lint.Consumer, error) {
	return f.consumer, f.err
}
func (f facts) Partitions() int { return 0 }

// TestWhatNATSSays: findings that rest on a real consumer.
func TestWhatNATSSays(t *testing.T) {
	file := readFile(t, "testdata/jetstream-fine.yaml")
	for name, test := range map[string]struct {
		facts facts
		want  []string
	}{
		"ephemeral":   {facts{consumer: lint.Consumer{MaxAckPending: 100_000}}, []string{"consumer"}},
		"unbounded":   {facts{consumer: lint.Consumer{Durable: true, MaxAckPending: -1}}, nil},
		"low bound":   {facts{consumer: lint.Consumer{Durable: true, MaxAckPending: 1000}}, []string{"consumer"}},
		"no stream":   {facts{err: lint.ErrNoStream}, []string{"consumer"}},
		"no consumer": {facts{err: lint.ErrNoConsumer}, []string{"consumer"}},
		"unknown":     {facts{err: lint.ErrUnknown}, nil},
		"no answer":   {facts{err: errors.New("timeout")}, []string{"consumer"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range lint.Lint(t.Context(), []lint.Source{file}, test.facts) {
				got = append(got, f.Rule)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("findings %v, want %v", got, test.want)
			}
		})
	}
}

// FuzzLint: whatever is read, there is an answer, and each finding has a line of the file.
func FuzzLint(f *testing.F) {
	for _, path := range testdata(f) {
		f.Add(readFile(f, path).Data)
	}
	f.Add([]byte("a: &a [*a]\nkind: ScaledObject\n"))
	f.Add([]byte("kind: ScaledObject\napiVersion: keda.sh/v1alpha1\nspec: {triggers: [null, {metadata: null}], advanced: null}\n"))
	f.Add([]byte("kind: List\nitems: [[], {kind: List, items: [{kind: List, items: [1]}]}]\n"))
	f.Add([]byte("? {a: b}\n: c\n---\n...\n---\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, finding := range lint.Lint(t.Context(), []lint.Source{{Name: "f", Data: data}}, lint.NewNames(3, 100)) {
			if finding.Line < 1 || finding.What == "" || finding.Why == "" || finding.Do == "" {
				t.Fatalf("incomplete: %+v", finding)
			}
		}
	})
}
