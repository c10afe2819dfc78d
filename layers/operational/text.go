package operational

import (
	"math"

	"github.com/2lab-ai/hal9/layers"
)

const (
	surpriseNovelty = 4.5 // what is new in itself ranks like one in 30,000: an anomaly of 0.6
	surpriseError   = 6   // and where it is an error like one in a million: 0.67
)

// judgeText compares how often a message of this kind comes with how often it usually does.
func (l *Layer) judgeText(c cause) judgement {
	s := l.keys.series(c.key, messageID(c.e))
	isNew := s.rate.isNew(c.at.Unix(), int64(l.cfg.Lateness.Seconds()))
	f := s.rate.observe(l.cfg.bucket(), c.at.Unix(), surpriseOf(l.cfg.Threshold))
	if j, ok := l.judgeNovelty(c); ok {
		return j
	}
	severe := c.e.Severity >= layers.SeverityWarning
	j := judgement{anomaly: anomalyOf(f.surprise), reason: s.rate.explain(f, l.cfg.bucket())}
	if j.anomaly >= l.cfg.Threshold {
		j.proof = s.rate.proof(f)
		j.proof.Limit = l.cfg.Threshold
	}
	switch {
	case f.news:
		j.flagged = true
	case j.anomaly >= l.cfg.Threshold: // the burst goes on
		j.anomaly, j.flagged = l.cfg.joinOnly(), true
	case isNew && severe:
		j = judgement{
			anomaly: l.cfg.joinOnly(), flagged: true,
			reason: "first of its kind for this key at severity " + c.e.Severity.String() + ": " + headline(c.e, "a message"),
		}
	case f.learning && c.e.Severity >= layers.SeverityError:
		j.anomaly, j.flagged = l.cfg.joinOnly(), true
	}
	return j
}

// judgeNovelty flags what is news in itself: a template never seen before at severity warning
// or worse, and the first error of a key.
func (l *Layer) judgeNovelty(c cause) (j judgement, ok bool) {
	isError := c.e.Severity >= layers.SeverityError
	surprise := float64(surpriseNovelty)
	if isError {
		surprise = surpriseError
	}
	j = judgement{anomaly: max(anomalyOf(surprise), l.cfg.OpenThreshold), flagged: true, news: layers.NewsAlone}
	if isNewMessage(c.e) {
		j.news |= layers.NewsMessage
	}
	if c.firstError && !c.e.HasValue {
		j.news |= layers.NewsError
	}
	switch {
	case isNewMessage(c.e):
		j.reason = "message never seen before, severity " + c.e.Severity.String() + ": " + headline(c.e, "no text")
	case c.firstError && !c.e.HasValue: // Of many that are measured one fails now and then.
		j.reason = "first error of this key: " + headline(c.e, "no text")
	default:
		return judgement{}, false
	}
	return j, true
}

func isNewMessage(e *layers.Envelope) bool {
	return e.Findings.NewTemplate && e.Severity >= layers.SeverityWarning
}

// messageID names the series that counts messages like this one: its template, or without one
// its type and severity. The shape of data is no message: what failed and what did not have the same.
func messageID(e *layers.Envelope) seriesID {
	if id := e.Findings.TemplateID; id != "" && (e.Text != "" || e.Severity < layers.SeverityWarning) {
		return seriesID{kind: seriesTemplate, name: short(id)}
	}
	return seriesID{kind: seriesClass, name: short(e.Type), detail: e.Severity.String()}
}

// bucket is the length of a counting interval in seconds. It is no shorter than the lateness,
// so that a late signal belongs to the current interval or to the one before.
func (c Config) bucket() int64 {
	return max(60, int64(math.Ceil(c.Lateness.Seconds())))
}
