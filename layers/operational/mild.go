package operational

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

const (
	mildMax     = 512              // signals too mild to open a situation that are remembered
	mildWithin  = 10 * time.Minute // of event time, in which they add up,
	mildByHaste = 2                // each by its surprise without so much, at least: about a hundred others might have been as near by chance
	mildByTurns = 0.5              // beyond what one of all in SituationGap reaches, a member is not there by chance: one in three times
)

// mild is a flagged signal that is too mild to open a situation alone. Several that are related, of different series, may do so
// together.
type mild struct {
	at       time.Time
	series   string
	surprise float64 // 0 where it adds nothing up
	tokens   []token // by which it is related
	loose
}

// addUp returns how surprising it is together with those that it is related to. What belongs to one request is one event, however many
// services waited for it.
func (c *correlator) addUp(m member) float64 {
	own, trace := seriesOf(m), traceOf(m.tokens)
	haste := max(mildByHaste, c.chanceWithin(mildWithin))
	best := map[string]float64{} // by series
	for i := range c.milds {
		other := &c.milds[i]
		if other.series == own || other.at.Sub(m.at).Abs() > mildWithin || !c.relates(m, other) {
			continue
		}
		if request := traceOf(other.tokens); request != "" && request == trace {
			continue
		}
		discount := haste
		if fires(m.e) && other.isAlert() { // Somebody judged both, and not by chance.
			discount = mildByHaste
		}
		best[other.series] = max(best[other.series], other.surprise-discount)
	}
	sum := worthOf(m.e)
	for _, series := range slices.Sorted(maps.Keys(best)) { // sums of floats depend on their order
		sum += best[series]
	}
	return min(sum, surpriseMax)
}

// traceOf returns the request that a signal belongs to, or "".
func traceOf(tokens []token) string {
	for _, t := range tokens {
		if t.kind == tokenTrace {
			return t.value
		}
	}
	return ""
}

// relates reports whether a mild signal has something in common with another.
func (c *correlator) relates(m member, other *mild) bool {
	return slices.ContainsFunc(other.tokens, func(t token) bool {
		return t.kind != tokenSource && t.kind != tokenBare && slices.Contains(m.tokens, t) && (t.kind != tokenStorm || !c.coincide(t.value, m.at.Sub(other.at)))
	})
}

// isAlert reports whether it is an alert that fires.
func (m *mild) isAlert() bool {
	return slices.ContainsFunc(m.tokens, func(t token) bool { return t.kind == tokenStorm })
}

// remember keeps a signal that belongs to nothing.
func (c *correlator) remember(m member) {
	if len(c.milds) == mildMax {
		c.milds = slices.Delete(c.milds, 0, mildMax/4)
	}
	own := mild{at: m.at, series: strings.Clone(seriesOf(m)), loose: looseOf(m)}
	if m.e.Findings.Anomaly >= c.cfg.Threshold || fires(m.e) {
		own.surprise = worthOf(m.e)
	}
	for _, t := range m.tokens {
		own.tokens = append(own.tokens, token{t.kind, strings.Clone(t.value)})
	}
	c.milds = append(c.milds, own)
}

func seriesOf(m member) string {
	series := m.key + "\x00" + short(m.e.Type) + "\x00" + short(metricName(m.e))
	if isNumber(m.e) {
		series += "\x00" + m.e.Findings.Evidence.Baseline.Series
	}
	return series
}

// opens reports whether the signal may open a situation.
func (c *correlator) opens(m member) bool {
	e := m.e
	switch {
	case e.Severity >= layers.SeverityCritical:
		return true
	case fires(e):
		return e.Severity >= layers.SeverityError || c.addUp(m) >= c.least()
	case e.Findings.Anomaly < c.cfg.Threshold: // it goes on, and was judged before
		return false
	case e.Severity >= layers.SeverityWarning && !isNumber(e): // What it says is unusual, not a number in it.
		return true
	}
	for _, class := range e.Findings.Classes {
		if class.Flags {
			return true
		}
	}
	return worthOf(e) >= c.least() || c.addUp(m) >= c.least()
}

// least is the surprise from which on a situation is opened.
func (c *correlator) least() float64 { return max(surpriseOf(c.cfg.OpenThreshold), c.chance()) }

// chanceWithin is the surprise that one of all that is judged in so long reaches by chance.
func (c *correlator) chanceWithin(span time.Duration) float64 {
	return c.chance() + math.Log10(span.Hours()/dayHours)
}

// isMild reports whether a member of a situation keeps it open no longer: in a stream in which much is measured some of it is always a
// little unusual somewhere, and a situation that all of it may join would never end.
func (c *correlator) isMild(e *layers.Envelope) bool {
	if e.Severity >= layers.SeverityWarning || e.Findings.Evidence == nil || e.Findings.Evidence.Baseline == nil {
		return false
	}
	if isNumber(e) {
		return c.byChance(e.Findings.Evidence.Baseline.Worth)
	}
	return c.byChance(e.Findings.Evidence.Baseline.Surprise)
}

// byChance reports whether something is always as surprising within SituationGap.
func (c *correlator) byChance(surprise float64) bool {
	return surprise < c.chanceWithin(c.cfg.SituationGap)+mildByTurns
}

// isNumber reports whether it is a number of the signal that was found unusual.
func isNumber(e *layers.Envelope) bool {
	return e.Findings.Evidence != nil && e.Findings.Evidence.Baseline != nil && e.Findings.Evidence.Baseline.Worth > 0
}

// worthOf returns the signal's surprise as it counts where a situation is to be opened.
func worthOf(e *layers.Envelope) float64 {
	surprise := surpriseOf(min(e.Findings.Anomaly, 0.999))
	if isNumber(e) {
		return min(e.Findings.Evidence.Baseline.Worth, surprise)
	}
	return surprise
}
