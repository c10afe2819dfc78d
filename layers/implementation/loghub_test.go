package implementation_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

// loghubLine is a line of the Loghub samples with its true template.
type loghubLine struct{ content, event string }

// loghub reads the samples, and skips the test where they are absent.
func loghub(tb testing.TB) map[string][]loghubLine {
	tb.Helper()
	root := os.Getenv("HAL9_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, "loghub", "*", "*_2k.log_structured.csv"))
	if err != nil || len(files) == 0 {
		tb.Skipf("no Loghub samples in %s: set HAL9_DATA", root)
	}
	sources := map[string][]loghubLine{}
	for _, file := range files {
		sources[filepath.Base(filepath.Dir(file))] = readLoghub(tb, file)
	}
	return sources
}

func readLoghub(tb testing.TB, file string) []loghubLine {
	tb.Helper()
	f, err := os.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	content, event := slices.Index(rows[0], "Content"), slices.Index(rows[0], "EventId")
	lines := make([]loghubLine, 0, len(rows)-1)
	for _, row := range rows[1:] {
		lines = append(lines, loghubLine{row[content], row[event]})
	}
	return lines
}

// groupingAccuracy is the share of lines whose predicted group is their true group.
func groupingAccuracy(predicted []string, lines []loghubLine) float64 {
	guess, truth := map[string][]int{}, map[string][]int{}
	for i, line := range lines {
		guess[predicted[i]] = append(guess[predicted[i]], i)
		truth[line.event] = append(truth[line.event], i)
	}
	right := 0
	for _, group := range guess {
		if slices.Equal(group, truth[lines[group[0]].event]) {
			right += len(group)
		}
	}
	return float64(right) / float64(len(lines))
}

// TestGroupingAccuracy holds the default configuration to what it reaches on real logs: each id
// counts as it was given when the line came.
func TestGroupingAccuracy(t *testing.T) {
	const floor = .95
	sources := loghub(t)
	sum := 0.
	for name, lines := range sources {
		l := newLayer(t, implementation.DefaultConfig())
		ids := make([]string, len(lines))
		for i, line := range lines {
			e := &layers.Envelope{Signal: layers.Signal{ID: strconv.Itoa(i), Source: name, Text: line.content}}
			decide(t, l, e)
			ids[i] = e.Findings.TemplateID
			if n := strings.Count(e.Findings.Template, "<*>"); n != len(e.Findings.Parameters) && n <= 32 {
				t.Fatalf("%s: template %q with parameters %q of %q", name, e.Findings.Template, e.Findings.Parameters, line.content)
			}
		}
		accuracy := groupingAccuracy(ids, lines)
		sum += accuracy
		slices.Sort(ids)
		t.Logf("%-10s %.4f (%d templates)", name, accuracy, len(slices.Compact(ids)))
	}
	mean := sum / float64(len(sources))
	t.Logf("%-10s %.4f", "mean", mean)
	if mean < floor {
		t.Errorf("mean grouping accuracy %.4f: want at least %.2f", mean, floor)
	}
}

func BenchmarkLoghub(b *testing.B) {
	var envelopes []*layers.Envelope
	for name, lines := range loghub(b) {
		for i, line := range lines {
			envelopes = append(envelopes, &layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint(name, i), Source: name, Text: line.content}})
		}
	}
	l := newLayer(b, implementation.DefaultConfig())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		decide(b, l, envelopes[i%len(envelopes)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
