package reflexive

import (
	"strings"
	"sync/atomic"

	"github.com/2lab-ai/hal9/layers"
)

// Stats counts since the layer was made.
type Stats struct {
	DuplicateIDs   uint64 // signals suppressed because their identity was decided before
	RepeatedAlerts uint64 // alerts suppressed because they said nothing new
	Silenced       uint64 // signals suppressed because somebody silenced them
	Inhibited      uint64 // signals suppressed because an alert that fires explains them
	Acknowledged   uint64 // alerts suppressed because somebody knows of them
	Flapping       uint64 // alerts suppressed because their condition changes too often
	AnswerHits     uint64 // answers taken from the cache
	AnswerMisses   uint64 // answers that had to be evaluated
}

type stats struct {
	duplicateIDs, repeatedAlerts, silenced, inhibited, acknowledged, flapping, answerHits, answerMisses atomic.Uint64
}

// Stats is safe to call while the layer decides.
func (l *Layer) Stats() Stats {
	return Stats{
		DuplicateIDs:   l.stats.duplicateIDs.Load(),
		RepeatedAlerts: l.stats.repeatedAlerts.Load(),
		Silenced:       l.stats.silenced.Load(),
		Inhibited:      l.stats.inhibited.Load(),
		Acknowledged:   l.stats.acknowledged.Load(),
		Flapping:       l.stats.flapping.Load(),
		AnswerHits:     l.stats.answerHits.Load(),
		AnswerMisses:   l.stats.answerMisses.Load(),
	}
}

// counted counts what people and other alerts hold back, for them to see.
func (l *Layer) counted(d *layers.Decision) {
	if d.Disposition != layers.DispositionSuppressed {
		return
	}
	switch {
	case strings.HasPrefix(d.Rule, ruleSilence):
		l.stats.silenced.Add(1)
	case strings.HasPrefix(d.Rule, ruleInhibit):
		l.stats.inhibited.Add(1)
	case strings.HasPrefix(d.Rule, ruleAck):
		l.stats.acknowledged.Add(1)
	case d.Rule == ruleFlapping:
		l.stats.flapping.Add(1)
	case d.Rule == "": // It says no more than what climbed.
		l.stats.repeatedAlerts.Add(1)
		return
	default:
		return
	}
	l.board.count(d.Rule)
}
