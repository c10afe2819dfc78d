package reflexive

import "sync/atomic"

// Stats counts since the layer was made.
type Stats struct {
	DuplicateIDs   uint64 // signals suppressed because their identity was decided before
	RepeatedAlerts uint64 // alerts suppressed because they said nothing new
	AnswerHits     uint64 // answers of rules taken from the cache
	AnswerMisses   uint64 // answers that the rules had to give
}

type stats struct {
	duplicateIDs, repeatedAlerts, answerHits, answerMisses atomic.Uint64
}

// Stats is safe to call while the layer decides.
func (l *Layer) Stats() Stats {
	return Stats{
		DuplicateIDs:   l.stats.duplicateIDs.Load(),
		RepeatedAlerts: l.stats.repeatedAlerts.Load(),
		AnswerHits:     l.stats.answerHits.Load(),
		AnswerMisses:   l.stats.answerMisses.Load(),
	}
}
