package implementation_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/score"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

// loghub reads the samples, and skips the test where they are absent.
func loghub(tb testing.TB) map[string][]score.Line {
	tb.Helper()
	folder, err := score.Folder("../..", "loghub")
	if err != nil {
		tb.Skip(err)
	}
	sources, err := score.LoadLoghub(folder)
	if err != nil {
		tb.Fatal(err)
	}
	return sources
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
			e := &layers.Envelope{Signal: layers.Signal{ID: strconv.Itoa(i), Source: name, Text: line.Content}}
			decide(t, l, e)
			ids[i] = e.Findings.TemplateID
			if n := strings.Count(e.Findings.Template, "<*>"); n != len(e.Findings.Parameters) && n <= 32 {
				t.Fatalf("%s: template %q with parameters %q of %q", name, e.Findings.Template, e.Findings.Parameters, line.Content)
			}
		}
		accuracy := score.GroupingAccuracy(ids, lines)
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
			envelopes = append(envelopes, &layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint(name, i), Source: name, Text: line.Content}})
		}
	}
	l := newLayer(b, implementation.DefaultConfig())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		decide(b, l, envelopes[i%len(envelopes)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
