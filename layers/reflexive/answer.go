package reflexive

import "github.com/2lab-ai/hal9/layers"

// noRule is the remembered outcome of a content that no rule answers.
const noRule = -1

// answer decides by the first rule that holds. Expressions see a signal's content but neither
// its id nor its time, so the outcome is remembered by content.
func (l *Layer) answer(e *layers.Envelope) (d layers.Decision, ok bool) {
	if len(l.rules) == 0 {
		return layers.Decision{}, false
	}
	key := l.hash.content(&e.Signal)
	if index := l.answers.get(key); index != nil {
		l.answers.touch(key)
		l.stats.answerHits.Add(1)
		if *index == noRule {
			return layers.Decision{}, false
		}
		return l.rules[*index].cached, true
	}
	l.stats.answerMisses.Add(1)
	for i := range l.rules {
		if l.rules[i].holds(&e.Signal) {
			l.answers.put(key, i)
			return l.rules[i].fresh, true
		}
	}
	l.answers.put(key, noRule)
	return layers.Decision{}, false
}
