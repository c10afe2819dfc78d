package operational

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
)

func TestNumentaAnomalyBenchmark(t *testing.T) {
	all := loadNAB(t)
	scores := make([][]float64, len(all))
	for i := range scores {
		scores[i] = make([]float64, len(all[i].values))
	}
	if got := scoreAt(all, scores, profileStandard, 0.1); got.score != 0 {
		t.Errorf("a detector that never fires scores %v: want 0", got.score)
	}
	for i, series := range all {
		l, s := newLayer(t), &sent{}
		for j, value := range series.values {
			e := s.value("series", series.times[j], value)
			if _, err := l.Decide(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			scores[i][j] = e.Findings.Anomaly
		}
	}
	shipped := scoreAt(all, scores, profileStandard, DefaultConfig().Threshold)
	opening := scoreAt(all, scores, profileStandard, DefaultConfig().OpenThreshold)
	best := scoreBest(all, scores, profileStandard)
	t.Logf("official:    standard %.1f (threshold %.3f, %d of 116 windows, %d false alarms), low FP %.1f, low FN %.1f", best.score,
		best.threshold, best.hits, best.falseAlarms, scoreBest(all, scores, profileLowFP).score, scoreBest(all, scores, profileLowFN).score)
	t.Logf("operational: standard %.1f at the shipped threshold of %.2f, %.1f at that of opening situations",
		shipped.score, DefaultConfig().Threshold, opening.score)
	if best.score < 60 || shipped.score < best.score-10 {
		t.Errorf("official %.1f and operational %.1f: want at least 60, and the second within 10 of it", best.score, shipped.score)
	}
}

func BenchmarkDecideValue(b *testing.B) {
	l, s := newLayer(b), &sent{}
	e := s.value("web-1", midnight, 0)
	e.Labels = map[string]string{"host": "web-1", "unit": "percent"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Time, e.Value, e.Findings = midnight.Add(time.Duration(i)*time.Second), steady(i), layers.Findings{}
		if _, err := l.Decide(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecideMixed(b *testing.B) {
	l, mixed := newLayer(b), layertest.Mined(5, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e := *mixed[i%len(mixed)]
		e.Time = e.Time.Add(time.Duration(i/len(mixed)) * time.Hour * 2)
		if _, err := l.Decide(b.Context(), &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecideFolded(b *testing.B) {
	l, s := newLayer(b), &sent{}
	e := s.flagged("web-1", midnight, layers.SeverityError, 0.7)
	e.Labels = map[string]string{"host": "web-1", "service": "api"}
	b.ReportAllocs()
	for b.Loop() {
		e.Findings.Situation = nil
		if _, err := l.Decide(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}
