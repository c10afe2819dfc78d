package operational

import "github.com/2lab-ai/hal9/layers"

// proof says what the baseline expected and what came instead; series says what it measures.
func (b *baseline) proof(f finding, series string) *layers.JudgedBaseline {
	p := &layers.JudgedBaseline{
		Series: series, Detector: b.nameOf(f.aspect), Value: f.sample.value,
		Usual: b.level.median.value, Low: b.level.low.value, High: b.level.high.value,
		Habit: f.habit, Samples: f.sample.samples, Surprise: f.surprise, Score: anomalyOf(f.surprise),
		Worth: f.worth,
	}
	if f.sample.hasHour {
		p.Hour = f.sample.hour
	}
	return p
}

// nameOf returns what the detector that found a sample most surprising is called.
func (b *baseline) nameOf(d detector) string {
	switch d {
	case &b.jump:
		return "jump"
	case &b.shift:
		return "shift"
	case &b.season:
		return "season"
	case &b.spread:
		return "spread"
	default:
		return "level"
	}
}

// proof says what the rate expected and what came instead.
func (r *rate) proof(b burst) *layers.JudgedBaseline {
	return &layers.JudgedBaseline{
		Series: "rate", Detector: "burst", Value: b.count, Usual: r.mean.value, High: r.usual(), Samples: r.mean.count,
		Surprise: b.surprise, Score: anomalyOf(b.surprise),
	}
}
