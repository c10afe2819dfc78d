package operational

import (
	"math"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

const (
	surpriseHalf    = 3   // the surprise that is an anomaly of 0.5: one in a thousand
	anomalyExtreme  = 0.8 // from here on what states no severity counts as an error: one in 10^12
	joinShare       = 0.9 // share of Threshold that marks what joins a situation but opens none
	lateRunsToReset = 10  // so many late signals in a row mean that the key's time went back
)

// judgement is what the baselines say about one signal.
type judgement struct {
	anomaly float64
	flagged bool
	reason  string
	proof   *layers.JudgedBaseline // nil where no baseline was left
	news    layers.News            // in what way it is the first of its kind in this partition
}

// worse returns the judgement that counts where a signal was judged in two ways.
func (j judgement) worse(other judgement) judgement {
	switch {
	case j.reason == "", other.flagged && !j.flagged, other.flagged == j.flagged && other.anomaly > j.anomaly:
		return other
	default:
		return j
	}
}

// judge compares the signal with the baselines of its key and learns it. It returns the notices of what is silent by its time, too.
func (l *Layer) judge(e *layers.Envelope, at time.Time) (judgement, []layers.Event) {
	k := l.keys.get(keyID{short(e.Source), short(e.Key)})
	behind, late := time.Duration(0), false
	if e.Severity < layers.SeverityCritical { // Under overload it overtakes the others, which are not late because of that.
		behind, late = k.clock(at, l.cfg)
	}
	first := e.Severity >= layers.SeverityError && !k.erred && l.absences.attach(k).errs()
	k.erred = k.erred || e.Severity >= layers.SeverityError
	c := cause{e: e, at: at, key: k, behind: behind, firstError: first}
	var j judgement
	var notices []layers.Event
	if late {
		j = l.judgeAlert(e, l.judgeLate(c))
	} else {
		notices = l.absences.hear(&c)
	}
	switch {
	case late:
	case e.Findings.Pulse:
		l.absences.pace.count(c.now.hour)
		j = l.judgePulse(c)
	default:
		l.absences.pace.count(c.now.hour)
		j = l.judgeNumbers(c)
		if !fires(e) && (!e.HasValue || e.Severity >= layers.SeverityWarning) { // Whether an alert is news, L1 has decided.
			j = j.worse(l.judgeText(c))
		}
		j = l.judgeAlert(e, j)
	}
	l.keys.trim()
	j = l.tune(e, j)
	for _, class := range e.Findings.Classes {
		if class.Flags { // whatever the baselines say; an anomaly that opens a situation
			j = j.worse(judgement{
				anomaly: 0.5 + class.Strength/2, flagged: true, proof: j.proof,
				reason: "it looks like " + class.Label + " (strength " + number(class.Strength) + "): " + headline(e, j.reason),
			})
		}
	}
	if e.Severity >= layers.SeverityCritical {
		j = judgement{anomaly: 1, flagged: true, proof: j.proof, news: j.news &^ layers.NewsAlone, reason: "critical: " + headline(e, j.reason)}
	}
	return j, notices
}

// judgeLate answers a signal that is too late to count. What is news in itself stays news.
func (l *Layer) judgeLate(c cause) judgement {
	if j, ok := l.judgeNovelty(c); ok {
		return j
	}
	return judgement{reason: "late: " + span(c.behind.Round(time.Second)) + " behind the newest signal of its key, where " +
		span(l.cfg.Lateness) + " is allowed; not learnt (late signal " + number(float64(c.key.late)) + " of this key)"}
}

// cause is a signal while it is judged.
type cause struct {
	e          *layers.Envelope
	at         time.Time
	key        *keyState
	behind     time.Duration // how far the signal is behind the newest of its key; 0 in order
	firstError bool          // the first signal of its key with severity error or worse
	now        moment        // its event time
	calm       bool          // below severity warning
}

// anomalyOf maps a surprise to 0..1.
func anomalyOf(surprise float64) float64 { return surprise / (surprise + surpriseHalf) }

// surpriseOf is the inverse of anomalyOf.
func surpriseOf(anomaly float64) float64 { return surpriseHalf * anomaly / (1 - anomaly) }

// joinOnly is the anomaly of what may join a situation and opens none.
func (c Config) joinOnly() float64 { return c.Threshold * joinShare }

// headline is the text that says best what the signal is about.
func headline(e *layers.Envelope, otherwise string) string {
	for _, text := range [...]string{e.Text, e.Findings.Template, e.Type} {
		if text = plain(text, 160); text != "" {
			return text
		}
	}
	return otherwise
}

// corrected lowers a surprise found as the largest of n: what is looked for in many places is
// found more easily (Bonferroni).
func corrected(surprise float64, n int) float64 {
	return max(0, surprise-math.Log10(float64(max(n, 1))))
}
