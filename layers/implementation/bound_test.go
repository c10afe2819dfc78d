package implementation_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/layertest"
)

func TestConformance(t *testing.T) {
	oneSource := func(i int) *layers.Envelope {
		e := layertest.Flood(i)
		e.Source = "one"
		return e
	}
	for name, h := range map[string]layertest.Harness{
		"default":    {Floods: 30_000, MaxSnapshotBytes: 12 << 20, MaxHeapBytes: 60 << 20},
		"many":       {MaxSnapshotBytes: 100 << 10, MaxHeapBytes: 4 << 20},
		"few":        {MaxSnapshotBytes: 4 << 10, MaxHeapBytes: 1 << 20},
		"one source": {Flood: oneSource, Floods: 30_000, MaxSnapshotBytes: 30 << 10, MaxHeapBytes: 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := implementation.Config{MaxSources: 100, MaxTemplates: 60, MaxTotal: 150}
			switch name {
			case "default":
				cfg = implementation.DefaultConfig()
			case "few":
				cfg = implementation.Config{MaxSources: 4, MaxTemplates: 10, MaxTotal: 14}
			}
			h.New = func(tb testing.TB) layers.Layer { tb.Helper(); return newLayer(tb, cfg) }
			h.Envelopes = withNames
			layertest.Run(t, h)
		})
	}
}

// withNames is a realistic input in which names vary where only comparing lines can tell.
func withNames() []*layers.Envelope {
	envelopes := layertest.Mixed(2, 600)
	for i, e := range envelopes {
		name := string(rune('a'+i*7%26)) + string(rune('a'+i*3%26))
		switch {
		case i%5 == 0:
			e.Text = "session " + name + " was closed for user " + name + " again and again"
		case i%7 == 0:
			e.Text = "hello " + name
		case i%11 == 0:
			e.Text, e.Source, e.Key = "", "unheard", "unheard"
			e.Data = []byte(`{"xq":"` + name[:1] + `","host":{"id":` + strconv.Itoa(i) + `}}`)
		case i%2 == 0:
			e.Text, e.Source, e.Key = "", "unheard", "unheard"
			e.Data = []byte(`{"xq":"` + name[:1] + `","n":` + strconv.Itoa(i) + `.5}`)
		}
	}
	return envelopes
}

// fresh says which of the texts are new to the layer now.
func fresh(tb testing.TB, l *implementation.Layer, source string, texts ...string) string {
	tb.Helper()
	var news []string
	for i, f := range mine(tb, l, source, texts...) {
		if f.NewTemplate {
			news = append(news, texts[i])
		}
	}
	return strings.Join(news, ",")
}

func TestTheTemplateNotSeenForLongestIsForgotten(t *testing.T) {
	l := newLayer(t, implementation.Config{MaxSources: 9, MaxTemplates: 2, MaxTotal: 9})
	if got := fresh(t, l, "s", "one", "two", "one", "three", "one", "two", "one"); got != "one,two,three,two" {
		t.Errorf("new templates %s", got)
	}
}

func TestTheOrderOfForgettingOutlastsARestart(t *testing.T) {
	cfg := implementation.Config{MaxSources: 9, MaxTemplates: 2, MaxTotal: 9}
	l, restored := newLayer(t, cfg), newLayer(t, cfg)
	fresh(t, l, "s", "one", "two", "one")
	snapshot, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := restored.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	if got := fresh(t, restored, "s", "three", "one", "two"); got != "three,two" {
		t.Errorf("new templates %s", got)
	}
}

func TestTheSourceNotHeardOfForLongestIsForgotten(t *testing.T) {
	l := newLayer(t, implementation.Config{MaxSources: 2, MaxTemplates: 9, MaxTotal: 9})
	var got []string
	for _, source := range []string{"a", "b", "a", "c", "a", "b"} {
		got = append(got, fresh(t, l, source, source))
	}
	if diff := cmp.Diff([]string{"a", "b", "", "c", "", "b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheTotalIsBounded(t *testing.T) {
	l := newLayer(t, implementation.Config{MaxSources: 9, MaxTemplates: 9, MaxTotal: 3})
	fresh(t, l, "old", "one", "two")
	fresh(t, l, "new", "one", "two") // Forgets old's one.
	if got := fresh(t, l, "old", "two"); got != "" {
		t.Errorf("the newer template %s of the older source was forgotten", got)
	}
	if got := fresh(t, l, "old", "one"); got != "one" { // Forgets new's one.
		t.Error("the oldest template was kept")
	}
	if got := fresh(t, l, "new", "two"); got != "" {
		t.Error("the newest template of the other source was forgotten")
	}
}

func TestLowerBoundsHoldAfterRestore(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	for i := range 5 {
		fresh(t, l, fmt.Sprint("source", i), "one", "two", "three")
	}
	snapshot, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	small := newLayer(t, implementation.Config{MaxSources: 3, MaxTemplates: 2, MaxTotal: 5})
	if err := small.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{"source4": "", "source3": "", "source2": ""} {
		if got := fresh(t, small, source, "three"); got != want {
			t.Errorf("%s forgot %s", source, got)
		}
	}
	again, err := small.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(again), `"id"`); n != 5 {
		t.Errorf("%d templates are kept, want 5", n)
	}
}

func TestRestoreRefusesWhatIsNoSnapshot(t *testing.T) {
	const one = `{"name":"s","used":1,"templates":[{"id":"a","used":1,"text":"a"}]}`
	l := newLayer(t, implementation.DefaultConfig())
	if err := l.Restore([]byte(`{"version":1,"sources":[` + one + `]}`)); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{
		``, `{}`, `[]`, `{"version":2}`, `{"version":1,"sources":[{"name":"s","templates":[{"id":"","text":"a"}]}]}`,
		`{"version":1,"sources":[{"name":"s","templates":[{"id":"a","used":1,"text":"a  b"}]}]}`,
		`{"version":1,"sources":[{"name":"s","templates":[{"id":"a","text":"a"}]}]}`,
		`{"version":1,"sources":[{"name":"s","templates":[]}]}`,
		`{"version":1,"sources":[` + one + `,` + one + `]}`,
		`{"version":1,"sources":[{"name":"s","templates":[{"id":"a","used":1,"text":"` + strings.Repeat("a ", 200) + `a"}]}]}`,
	} {
		if err := l.Restore([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), "implementation: restore") {
			t.Errorf("%.60s: error %v", data, err)
		}
	}
}

func TestLongSourceNamesAreKeptShort(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	long := strings.Repeat("s", 10_000)
	first, second := mine(t, l, long+"1", "same text"), mine(t, l, long+"2", "same text")
	if first[0].TemplateID == second[0].TemplateID || !second[0].NewTemplate {
		t.Error("two sources with long names are one")
	}
	snapshot, err := l.Snapshot()
	if err != nil || len(snapshot) > 1000 {
		t.Errorf("a snapshot of %d bytes, error %v", len(snapshot), err)
	}
}
