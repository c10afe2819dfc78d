package operational

const (
	baselineMinSamples = 30    // before that a series is only learnt
	baselineSpan       = 1000  // samples that a series remembers, exponentially weighted
	surpriseMax        = 300   // 1e-300 is as improbable as floats can say
	valueMax           = 1e150 // larger values count as this, so that no arithmetic overflows
)

// baseline is what is known about one numeric series.
type baseline struct {
	samples float64
	first   []float64 // until there are baselineMinSamples of them
	level   level
	jump    jump
	shift   shift
	episode episode
}

// finding is what a baseline says about one sample.
type finding struct {
	surprise float64 // -log10 of the probability, of the most surprising aspect
	news     bool    // false where the deviation belongs to the one already reported
	learning bool    // too few samples to judge
	aspect   detector
	sample   sample
}

// observe judges the value and learns it. What is at least as surprising as reportFrom and not
// part of a deviation already reported is news.
func (b *baseline) observe(value float64, inOrder bool, reportFrom float64) finding {
	b.samples++
	s := sample{value: min(max(value, -valueMax), valueMax), samples: b.samples, inOrder: inOrder}
	f := finding{sample: s, aspect: &b.level}
	if b.samples <= baselineMinSamples {
		f.learning = true
		b.learnFirst(s.value)
		return f
	}
	s.tame = b.level.tame(s.value)
	for _, d := range b.detectors() {
		if surprise := d.observe(s); surprise > f.surprise {
			f.surprise, f.aspect = surprise, d
		}
	}
	f.news = b.episode.observe(f.surprise, reportFrom)
	return f
}

func (b *baseline) learnFirst(value float64) {
	b.first = append(b.first, value)
	if b.samples == baselineMinSamples {
		b.level.seed(b.first)
		b.jump.seed(b.first)
		b.shift.seed(b.first)
		b.first = nil
	}
}

// detectors lists the aspects; where two find a sample equally surprising the first explains it.
func (b *baseline) detectors() [3]detector { return [...]detector{&b.level, &b.jump, &b.shift} }

// fields visits what a snapshot holds of a baseline that is past learning.
func (b *baseline) fields(visit func(*float64)) {
	b.level.fields(visit)
	b.jump.fields(visit)
	b.shift.fields(visit)
	b.episode.fields(visit)
}

// explain says in people's words what was found; subject names what the series measures.
func (b *baseline) explain(f finding, subject string) string {
	switch {
	case f.learning:
		return "still learning what is normal: " + number(b.samples) + " of " + number(baselineMinSamples) + " samples of " + subject
	case f.news:
		return subject + " " + f.aspect.explain(f.sample)
	default:
		return subject + " " + b.level.ordinary(f.sample)
	}
}
