package operational

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// featuresMax bounds the features of one signal that have a baseline: the first by name.
const featuresMax = 32

// judgeNumbers compares the signal's value and its numeric features with their baselines.
func (l *Layer) judgeNumbers(c cause) judgement {
	features := featureNames(c.e)
	looks, part := len(features), partOf(c.e)
	var j judgement
	if c.e.HasValue {
		looks++
		id := seriesID{kind: seriesValue, name: short(c.e.Type), detail: short(metricName(c.e) + part)}
		j = l.judgeNumber(c, reading{id, valueName(c.e), c.e.Value, looks})
	}
	for _, name := range features {
		id := seriesID{kind: seriesFeature, name: short(name), detail: short(c.e.Type + measured(c.e) + part)}
		j = j.worse(l.judgeNumber(c, reading{id, plain(name, 64), c.e.Findings.Features[name], looks}))
	}
	return j
}

// judgePulse compares how many routine signals the key has in a minute with how many it usually has.
func (l *Layer) judgePulse(c cause) judgement {
	lines, ok := c.e.Findings.Features[layers.FeatureRoutine]
	if !ok {
		return judgement{reason: "routine; it shows that its key is alive"}
	}
	id := seriesID{kind: seriesFeature, name: layers.FeatureRoutine}
	j := l.judgeNumber(c, reading{id, "routine signals a minute:", lines, 1})
	if !j.flagged {
		j.reason = "routine; it shows that its key is alive; " + j.reason
	}
	return j
}

// reading is one number of a signal: its series, what people call it, and among how many
// numbers of the signal it is judged.
type reading struct {
	id    seriesID
	name  string
	value float64
	looks int
}

func (l *Layer) judgeNumber(c cause, n reading) judgement {
	s := l.keys.series(c.key, n.id)
	if n.id.kind == seriesValue {
		l.absences.hearSeries(&c, s)
	}
	t, reportFrom := s.numeric, surpriseOf(l.cfg.Threshold)
	waits := t.pass(c.at)
	l.learnWaiting(c, n, t, waits)
	if !waits || c.at.Before(t.newest) {
		return l.judgeFinding(&t.learnt, t.learn(n.value, c.at, reportFrom), n)
	}
	r := t.add(recent{at: c.at, id: strings.Clone(short(c.e.ID)), severity: c.e.Severity, value: n.value, looks: n.looks})
	l.keys.recent++
	f := t.judge(r, &l.scratch, reportFrom)
	j := l.judgeFinding(&l.scratch.baseline, f, n)
	switch {
	case !j.flagged:
	case t.mixed && f.surprise < mixedClear*reportFrom:
		j.flagged, j.anomaly = false, l.cfg.joinOnly()
		j.reason += "; this is near the limit and is judged again when its neighbours are known"
	default:
		r.anomaly = j.anomaly
	}
	return j
}

// learnWaiting learns what waits of a series and can get no older neighbour any more, or, where nothing is to wait, all of it. What is
// stranger than it seemed is noted, to be handed on again.
func (l *Layer) learnWaiting(c cause, n reading, t *timeline, waits bool) {
	before, most := c.key.watermark.Add(-l.cfg.Lateness), 0
	if waits {
		most = l.keys.recentMax()
	}
	for {
		r, ok := t.next(before, most)
		if !ok {
			return
		}
		l.keys.recent--
		f := t.learn(r.value, r.at, surpriseOf(l.cfg.Threshold))
		if n.looks = r.looks; anomalyOf(corrected(f.surprise, n.looks)) < l.cfg.Threshold {
			continue
		}
		if j := l.judgeFinding(&t.learnt, f, n); j.anomaly > r.anomaly {
			l.again = append(l.again, rejudged{r, j})
		}
	}
}

// judgeFinding says what a finding means.
func (l *Layer) judgeFinding(b *baseline, f finding, n reading) judgement {
	f.surprise, f.worth = corrected(f.surprise, n.looks), corrected(f.worth, n.looks)
	j := judgement{anomaly: anomalyOf(f.surprise), reason: b.explain(f, n.name)}
	if j.anomaly >= l.cfg.Threshold || f.habit {
		j.proof = b.proof(f, n.name)
		j.proof.Limit = l.cfg.Threshold
	}
	switch {
	case j.anomaly < l.cfg.Threshold:
	case f.news:
		j.flagged = true
	default:
		j.anomaly, j.flagged = l.cfg.joinOnly(), true
		j.reason = n.name + " " + f.aspect.explain(f.sample) + "; part of the deviation reported " +
			counted(b.episode.age(), "sample") + " ago"
	}
	return j
}

// featureNames returns the names of the features that are judged, sorted. A feature that only
// repeats the value is left out.
func featureNames(e *layers.Envelope) []string {
	if len(e.Findings.Features) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(e.Findings.Features))
	names = slices.DeleteFunc(names, func(name string) bool {
		return e.HasValue && e.Findings.Features[name] == e.Value
	})
	return names[:min(len(names), featuresMax)]
}

// metricName tells the metrics of one key apart where the sender puts several under one type.
func metricName(e *layers.Envelope) string { return cmp.Or(saidMetric(e), e.Findings.TemplateID) }

// valueName is what people call the signal's value.
func valueName(e *layers.Envelope) string {
	if name := plain(saidMetric(e), 64); name != "" {
		return name
	}
	return "value"
}

// saidMetric returns what the signal says that its value measures, or "".
func saidMetric(e *layers.Envelope) string {
	for _, label := range [...]string{"__name__", "metric", "metric_name", "operation"} {
		if name := e.Labels[label]; name != "" {
			return name
		}
	}
	return measured(e)
}

// partOf tells the parts of one key apart that measure the same, such as the pods of a service: what the signal names besides its key. A
// span is about the whole.
func partOf(e *layers.Envelope) string {
	if e.Labels[labelSpan] != "" {
		return ""
	}
	var parts []string
	for _, m := range e.Findings.Mentions {
		if isPart(m.Kind) && m.Name != e.Key {
			parts = append(parts, m.Name)
		}
	}
	for _, label := range partLabels {
		if len(e.Labels) == 0 || len(parts) > 0 {
			break
		}
		if name := e.Labels[label]; name != "" && name != e.Key {
			parts = append(parts, name)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "\x00" + strings.Join(parts, "\x00")
}

// partLabels are the labels that name parts, the most telling first.
var partLabels = [...]string{"container", "pod", "instance", "device", "node", "host"}

// isPart reports whether an entity of this kind may be one of several parts.
func isPart(kind string) bool { return slices.Contains(partLabels[:], kind) }

// labelSpan marks what is a span of a distributed trace.
const labelSpan = "span_id"

// measured returns what the signal's data say that is measured, or "".
func measured(e *layers.Envelope) string {
	for _, m := range e.Findings.Mentions {
		if m.Kind == mentionMetric {
			return m.Name
		}
	}
	return ""
}

// mentionMetric is the kind of mention that says what a number measures.
const mentionMetric = "metric"
