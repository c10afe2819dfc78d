package operational

import "math"

const (
	baselineMinSamples = 30    // before that a series is only learnt
	baselineSpan       = 1000  // samples that a series remembers, exponentially weighted
	surpriseMax        = 300   // 1e-300 is as improbable as floats can say
	valueMax           = 1e150 // larger values count as this, so that no arithmetic overflows
)

// baseline is what is known about one numeric series.
type baseline struct {
	counts  bool // of what comes by itself: they differ by chance, and the more the larger they are
	samples float64
	first   []float64 // until there are baselineMinSamples of them
	level   level
	jump    jump
	shift   shift
	season  season
	spread  spread
	record  record
	episode episode
	since   int64  // hour of event time in which it began
	daily   *daily // nil until an hour has passed
}

// finding is what a baseline says about one sample.
type finding struct {
	surprise float64 // -log10 of the probability, of the most surprising aspect
	worth    float64 // the surprise, where the series was so before as often as that says
	news     bool    // false where the deviation belongs to the one already reported
	learning bool    // too few samples to judge
	habit    bool    // as surprising as at this time of the last two days
	aspect   detector
	sample   sample
}

// observe judges the value, of an event time in Unix seconds, and learns it. What is at least as surprising as reportFrom
// and not part of a deviation already reported is news.
func (b *baseline) observe(value float64, seconds int64, inOrder bool, reportFrom float64) finding {
	b.samples++
	s := sample{value: min(max(value, -valueMax), valueMax), samples: b.samples, inOrder: inOrder, counts: b.counts}
	f := finding{sample: s, aspect: &b.level}
	hour := floorDiv(seconds, hourSeconds)
	if b.samples <= baselineMinSamples {
		f.learning = true
		b.learnFirst(s.value)
		b.since = hour
		return f
	}
	s.tame = b.level.tame(s.value, 1)
	b.passTime(hour, &s)
	f.sample = s
	before := b.jump.last
	for _, d := range b.detectors() {
		if surprise := d.observe(s); surprise > f.surprise {
			f.surprise, f.aspect = surprise, d
		}
	}
	rare := b.rare(s, before)
	f.surprise = min(f.surprise, rare*math.Log10(recordSpan))
	if b.daily != nil {
		unusual := b.daily.unusual(hour, f.surprise)
		f.habit = f.surprise >= reportFrom && unusual < reportFrom
		f.surprise = unusual
		if inOrder {
			b.daily.learn(b.level.tame(s.value, dailyReaches))
		}
	}
	f.worth = min(b.record.calibrate(f.surprise, b.samples, reportFrom, hour), rare*math.Log10(b.samples))
	f.news = b.episode.observe(f.surprise, reportFrom)
	return f
}

// rare is how many came, now and in the sample before, of what is counted where there is mostly none, else surpriseMax: what never came in
// n samples may come in the next with 1/n, and the same holds for each further one.
func (b *baseline) rare(s sample, before float64) float64 {
	count := max(0, s.value) + max(0, before)
	if count < 1 || s.value != math.Trunc(s.value) || math.Abs(b.level.median.value) >= 0.5 || math.Abs(b.level.high.value) >= 0.5 {
		return surpriseMax
	}
	return count
}

// passTime finishes the hours before, and tells the sample what is usual at its own.
func (b *baseline) passTime(hour int64, s *sample) {
	if b.daily == nil {
		if b.since == hourNone {
			b.since = hour
		}
		if hour <= b.since {
			return
		}
		b.daily = &daily{hour: hour}
	}
	b.daily.advance(hour)
	s.hour, s.hasHour = b.daily.usual(hour)
}

// rewind is for a sender whose time went back.
func (b *baseline) rewind() {
	b.since = hourNone
	if b.daily != nil {
		b.daily.rewind()
	}
}

func (b *baseline) learnFirst(value float64) {
	b.first = append(b.first, value)
	if b.samples == baselineMinSamples {
		b.level.seed(b.first)
		b.jump.seed(b.first)
		b.shift.seed(b.first)
		b.spread.seed(b.first)
		b.first = nil
	}
}

// detectors lists the aspects; where two find a sample equally surprising the first explains it.
func (b *baseline) detectors() [5]detector {
	return [...]detector{&b.level, &b.jump, &b.shift, &b.season, &b.spread}
}

// fields visits what a snapshot holds of a baseline that is past learning.
func (b *baseline) fields(visit func(*float64)) {
	b.level.fields(visit)
	b.jump.fields(visit)
	b.shift.fields(visit)
	b.season.fields(visit)
	b.spread.fields(visit)
	b.episode.fields(visit)
}

// fieldsFirst reads what a snapshot of the first layout holds; the rest begins with the next sample.
func (b *baseline) fieldsFirst(visit func(*float64)) {
	b.level.fields(visit)
	b.jump.fields(visit)
	b.shift.fields(visit)
	b.episode.fields(visit)
	b.spread.seed([]float64{b.jump.last})
	b.since = hourNone
}

// explain says in people's words what was found; subject names what the series measures.
func (b *baseline) explain(f finding, subject string) string {
	switch {
	case f.learning:
		return "still learning what is normal: " + number(b.samples) + " of " + number(baselineMinSamples) + " samples of " + subject
	case f.news:
		return subject + " " + f.aspect.explain(f.sample)
	case f.habit:
		return subject + " " + f.aspect.explain(f.sample) + "; so it was about this time on each of the last two days"
	default:
		return subject + " " + b.level.ordinary(f.sample)
	}
}
