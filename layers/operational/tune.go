package operational

import (
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// Hear implements layers.Listener: it takes over another tuning, unless that is older, and what L4 found out about a situation.
func (l *Layer) Hear(n *layers.Note) error {
	if n.Kind == layers.NoteSituation {
		return l.hearSituation(n)
	}
	t, ok, err := layers.ReadTunings(n, layers.NameL3)
	if ok && err == nil && !t.IsOlder(&l.tunings) {
		l.tunings = t
	}
	return err
}

// tune judges a signal once more with the layer's tuning, and notes where the tuning in the shadow would judge otherwise. What
// is critical, or what a neuron flags, is judged elsewhere.
func (l *Layer) tune(e *layers.Envelope, j judgement) judgement {
	if l.tunings.Live.Version == 0 && l.tunings.Shadow == nil {
		return j
	}
	tuned := l.temper(&l.tunings.Live, e, j)
	if shadow := l.tunings.Shadow; shadow != nil && e.Severity < layers.SeverityCritical {
		if other := l.temper(shadow, e, j); l.effect(e, other) != l.effect(e, tuned) {
			e.Findings.Proof().Shadow = append(e.Findings.Proof().Shadow, fmt.Sprintf("L3 version %d: %s instead of %s", shadow.Version, l.effect(e, other), l.effect(e, tuned)))
		}
	}
	return tuned
}

// effect says what becomes of a signal that is judged so.
func (l *Layer) effect(e *layers.Envelope, j judgement) string {
	switch {
	case !j.flagged:
		return "resolved"
	case j.anomaly < l.cfg.Threshold || e.Severity < layers.SeverityWarning && surpriseOf(j.anomaly) < max(surpriseOf(l.cfg.OpenThreshold), l.chance()):
		return "joins a situation"
	default:
		return "opens a situation"
	}
}

// temper divides the surprise by the tuning's factor and compares anew. What is flagged below the threshold may only join
// situations, and stays so.
func (l *Layer) temper(t *layers.Tuning, e *layers.Envelope, j judgement) judgement {
	factor, steps := t.Factor(e.Source, e.Key)
	if steps == 0 || j.flagged && j.anomaly < l.cfg.Threshold {
		return j
	}
	before := j.flagged
	j.anomaly = anomalyOf(surpriseOf(j.anomaly) / factor)
	j.flagged = j.anomaly >= l.cfg.Threshold
	if before != j.flagged {
		j.reason += fmt.Sprintf("; as tuned by %+d steps (version %d)", steps, t.Version)
	}
	if j.proof != nil {
		proof := *j.proof
		proof.Score = j.anomaly
		j.proof = &proof
	}
	if t == &l.tunings.Live {
		e.Findings.Proof().Tune(layers.NameL3, t.Version)
	}
	return j
}

// tuning describes the tunings in a snapshot.
func (c *codec) tuning(t *layers.Tunings) {
	if c.reading && c.layout < snapshotTuning {
		return
	}
	var text string // empty where nothing was tuned
	if !c.reading && (t.Live.Version > 0 || t.Shadow != nil) {
		data, err := json.Marshal(t)
		if err != nil {
			c.err = err
		}
		text = string(data)
	}
	c.text(&text)
	if c.reading && c.err == nil && text != "" {
		c.err = json.Unmarshal([]byte(text), t)
	}
}
