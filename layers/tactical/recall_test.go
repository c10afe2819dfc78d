package tactical_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// TestSimilarity pins what counts as similar, by what is recalled for "disk full" at warning
// on db-1; 0 means not recalled.
func TestSimilarity(t *testing.T) {
	warning := layers.SeverityWarning
	tests := []struct {
		name    string
		earlier *layers.Envelope
		want    float64
	}{
		{"the same again", situation("e", "db-1", "Disk full", warning), 1},
		{"other numbers", situation("e", "db-1", "disk 17: full", warning), 1},
		{"its name in the title", situation("e", "db-1", "db-1: disk full", warning), 1},
		{"a sibling", situation("e", "db-77", "disk full", warning), 0.9 / 1.1},
		{"a sibling named in the title", situation("e", "db-77", "disk full on db-77", warning), 0.9 / 1.1},
		{"another severity", situation("e", "db-1", "disk full", layers.SeverityError), 0.9 / 1.1},
		{"another kind of entity", situation("e", "web-1", "disk full", warning), 0.7 / 1.3},
		{"one more word", situation("e", "db-1", "disk full again", warning), 0.8 / 1.2},
		{"half of the words", situation("e", "db-1", "disk slow", warning), 0.7 / 1.3},
		{"another kind, same entity", situation("e", "db-1", "login failed", warning), 0},
		{"nothing in common", situation("e", "web-1", "login failed", layers.SeverityError), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLayer(t)
			decide(t, l, test.earlier)
			e := situation("present", "db-1", "disk full", warning)
			decide(t, l, e)
			got := 0.0
			for _, r := range e.Findings.Situation.Recalled {
				got = r.Similarity
			}
			if math.Abs(got-test.want) > 0.0001 {
				t.Errorf("similarity is %v: want %.4f", got, test.want)
			}
		})
	}
}

func TestTemplateTellsKindsApart(t *testing.T) {
	l := newLayer(t)
	for i, template := range []string{"connection to <*> refused", "checksum of block <*> wrong"} {
		e := situation(fmt.Sprintf("sit-%d", i), "db-1", "burst", layers.SeverityWarning)
		e.Findings.Template = template
		decide(t, l, e)
	}
	e := situation("present", "db-1", "burst", layers.SeverityWarning)
	e.Findings.Template = "connection to <*> refused"
	decide(t, l, e)
	if r := e.Findings.Situation.Recalled; len(r) != 1 || r[0].SituationID != "sit-0" || r[0].Similarity != 1 {
		t.Errorf("recalled %v: want sit-0 only", r)
	}
}

func TestRecallIsOfTheMostSimilarThenTheMostRecent(t *testing.T) {
	l := newLayer(t)
	for i, key := range []string{"db-1", "db-2", "db-1", "db-3", "db-1", "db-4", "db-1"} {
		decide(t, l, situation(fmt.Sprintf("sit-%d", i), key, "disk full", layers.SeverityWarning))
	}
	e := situation("present", "db-2", "disk full", layers.SeverityWarning)
	decide(t, l, e)
	var got []string
	for _, r := range e.Findings.Situation.Recalled {
		got = append(got, r.SituationID)
	}
	if diff := cmp.Diff([]string{"sit-1", "sit-6", "sit-5"}, got); diff != "" {
		t.Errorf("recalled (-want +got):\n%s", diff)
	}
}

// TestMemoryForgetsTheOldest fills a memory of three; a situation that worsens counts as recent.
func TestMemoryForgetsTheOldest(t *testing.T) {
	cfg := tactical.DefaultConfig()
	cfg.MaxMemory, cfg.MaxRecalled = 3, 20
	l := newWith(t, cfg)
	first := situation("sit-0", "db-1", "disk full", layers.SeverityWarning)
	decide(t, l, first)
	for i := 1; i < 5; i++ {
		decide(t, l, situation(fmt.Sprintf("sit-%d", i), "db-1", "disk full", layers.SeverityWarning))
		if i == 2 {
			decide(t, l, worsened(first, 2, layers.SeverityWarning))
		}
	}
	e := situation("present", "db-1", "disk full", layers.SeverityWarning)
	decide(t, l, e)
	var got []string
	for _, r := range e.Findings.Situation.Recalled {
		got = append(got, r.SituationID)
	}
	if diff := cmp.Diff([]string{"sit-4", "sit-3", "sit-0"}, got); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

// TestHowANumberIsUnusualIsNoKind: of the same trouble another detector may speak first.
func TestHowANumberIsUnusualIsNoKind(t *testing.T) {
	l := newLayer(t)
	decide(t, l, situation("sit-0", "db-1", "db-1: disk_io has a recent mean of 17 where the mean before was 4; the two are usually at most 2 apart", layers.SeverityError))
	decide(t, l, situation("sit-1", "db-1", "db-1: requests jumped from 63 to 449; from one sample to the next it usually changes by at most 5", layers.SeverityError))
	e := situation("sit-2", "db-1", "db-1: disk_io jumped from 63 to 449; from one sample to the next it usually changes by at most 5", layers.SeverityError)
	decide(t, l, e)
	if r := e.Findings.Situation.Recalled; len(r) == 0 || r[0].SituationID != "sit-0" || r[0].Similarity != 1 {
		t.Errorf("recalled %+v: want what was about the same number", r)
	}
	e = situation("sit-3", "db-1", "db-1: disk_io 449 is far above its mean at this hour of the day, 63; it is usually at most 5 away from that (1111 samples) (and 2 more)", layers.SeverityError)
	decide(t, l, e)
	if r := e.Findings.Situation.Recalled; len(r) < 2 || r[0].Similarity != 1 || r[1].Similarity != 1 {
		t.Errorf("recalled %+v: want both that were about the same number", r)
	}
}

// TestWhatIsMeasuredBesideIsNoKind has objects of many numbers, of which another is unusual each time.
func TestWhatIsMeasuredBesideIsNoKind(t *testing.T) {
	l := newLayer(t)
	object := func(id, field string) *layers.Envelope {
		e := situation(id, "shop-1", field+" jumped from 3 to 90", layers.SeverityWarning)
		e.Text, e.Findings.Template = "", "{amount latency items outcome}"
		e.Findings.Proof().Baseline = &layers.JudgedBaseline{Series: field, Detector: "jump", Worth: 6}
		return e
	}
	decide(t, l, object("slow", "latency"))
	decide(t, l, object("dear", "amount"))
	e := object("present", "latency")
	decide(t, l, e)
	if r := e.Findings.Situation.Recalled; len(r) == 0 || r[0].SituationID != "slow" || len(r) > 1 && r[1].Similarity > 0.9 {
		t.Errorf("recalled %+v: want the one with the same number first, and the other far behind", r)
	}
}
