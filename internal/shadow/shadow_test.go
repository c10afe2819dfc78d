package shadow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/pipeline"
)

func parse(t *testing.T, text string) config.File {
	t.Helper()
	file, err := config.Parse("x", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// replayed compares two configurations over a file and returns which signals differ.
func replayed(t *testing.T, live, other, signals string) (differ []string, s Summary) {
	t.Helper()
	s, err := Replay(t.Context(), ReplayOptions{
		Live: parse(t, live), Shadow: parse(t, other), Record: record, File: cli.ReaderConfig{Name: "signals.jsonl"},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(signals)), nil },
		Differs: func(d *Difference) {
			differ = append(differ, fmt.Sprintf("%s: %s -> %s", d.SignalID, d.Live.name(), d.Shadow.name()))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return differ, s
}

func record(item *ingest.Item) (pipeline.Record, error) {
	data, err := ingest.Encode(&item.Signal)
	return pipeline.Record{Subject: ingest.SubjectPrefix + ingest.SubjectToken(item.Signal.Source), Data: data}, err
}

// lines are signals one second after the other.
func lines(bodies ...string) string {
	var b strings.Builder
	for i, body := range bodies {
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC).Format(time.RFC3339)
		fmt.Fprintf(&b, `{"id":"s%d","source":"web","time":%q,%s}`+"\n", i, at, body)
	}
	return b.String()
}

func TestWhatAChangeBrings(t *testing.T) {
	t.Parallel()
	signals := lines(`"msg":"fine"`, `"msg":"out of memory"`, `"level":"critical","msg":"down"`, `"path":"/healthz"`, `"msg":"fine","zone":"a"`)
	for name, c := range map[string]struct {
		other string
		want  []string
	}{
		"nothing":  {"", nil},
		"a rule":   {`rules: [{name: a, when: 'data.path == "/healthz"', then: suppress}]`, []string{"s3: L3 resolved -> L1 suppressed"}},
		"a neuron": {`neurons: [{name: oom, weights: {memory: 1}, threshold: 1, flag: true}]`, []string{"s1: L3 resolved -> L5 resolved"}},
		"a label":  {`neurons: [{name: oom, weights: {memory: 1}, threshold: 1}]`, []string{"s1: L3 resolved -> L3 resolved"}},
		"a source": {`sources: [{match: web, severity: critical, key: zone}]`, []string{
			"s0: L3 resolved -> L5 resolved", "s1: L3 resolved -> L5 resolved", "s2: L5 resolved -> L5 resolved",
			"s3: L3 resolved -> L5 resolved", "s4: L3 resolved -> L5 resolved",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differ, s := replayed(t, "", c.other, signals)
			if name == "a source" { // Some fold into the situation that the first opens: which ones is L3's business.
				if len(differ) < 4 {
					t.Errorf("differ: %q", differ)
				}
				return
			}
			if diff := cmp.Diff(c.want, differ); diff != "" || s.Signals != 5 || s.Different != len(c.want) {
				t.Errorf("%+v (-want +got)\n%s", s, diff)
			}
		})
	}
}

// TestPrinterShowsWhatWasAskedFor hides differences beyond the limit and counts them.
func TestPrinterShowsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &Printer{Out: &b, Most: 1, Place: time.UTC}
	s, err := Replay(t.Context(), ReplayOptions{
		Live: config.Default(), Shadow: parse(t, `rules: [{name: all, when: 'true', then: suppress}]`), Record: record,
		File: cli.ReaderConfig{Name: "a.jsonl"}, Differs: p.Difference, Count: 2,
		Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(lines(`"msg":"\u001b[31m"`, `"key":"\u001b[31m"`, `"a":1`))), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Summary(s); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Count(text, "+ shadow") != 1 || !strings.Contains(text, "... and 1 more differences") ||
		!strings.Contains(text, "2 signals, 2 answered differently") || strings.Contains(text, "\x1b") {
		t.Errorf("%s", text)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := Replay(t.Context(), ReplayOptions{Open: func() (io.ReadCloser, error) { return nil, broken }})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	t.Parallel()
	r := newRecent(2)
	for _, id := range []string{"a", "b", "c"} {
		r.add(id, &Answer{Key: id})
	}
	if _, ok := r.take("a"); ok || len(r.answers) != 2 {
		t.Errorf("%d answers", len(r.answers))
	}
	if a, ok := r.take("c"); !ok || a.Key != "c" {
		t.Error("the last is gone")
	}
}
