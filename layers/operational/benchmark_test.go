package operational

import (
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/score"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/layertest"
)

// TestNumentaAnomalyBenchmark holds the layer to what it reaches on the benchmark; `make score` does so through everything.
func TestNumentaAnomalyBenchmark(t *testing.T) {
	folder, err := score.Folder("../..", "nab")
	if err != nil {
		t.Skip(err)
	}
	all, err := score.LoadNAB(folder)
	if err != nil {
		t.Fatal(err)
	}
	anomalies := make([][]float64, len(all))
	for i, series := range all {
		l, s := newLayer(t), &sent{}
		for j, value := range series.Values {
			e := s.value("series", series.Times[j], value)
			if _, err := l.Decide(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			anomalies[i] = append(anomalies[i], e.Findings.Anomaly)
		}
	}
	var r score.Report
	r.AddNAB(all, anomalies, DefaultConfig().Threshold)
	t.Logf("standard %.1f, at the shipped threshold %.1f, low FP %.1f, low FN %.1f", r.NABStandard, r.NABOperational, r.NABLowFP, r.NABLowFN)
	if r.NABStandard < 60 || r.NABOperational < r.NABStandard-10 {
		t.Errorf("standard %.1f and at the shipped threshold %.1f: want at least 60, and the second within 10 of it", r.NABStandard, r.NABOperational)
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
