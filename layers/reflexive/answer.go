package reflexive

import (
	"fmt"

	"github.com/maypok86/otter/v2"

	"github.com/2lab-ai/hal9/layers"
)

// answerBytes is what one remembered answer takes, with all that the cache keeps of it.
const answerBytes = 160

// newAnswers returns a cache bounded by entries and bytes: entries are of one size. It works on the caller's
// goroutine, so that it does the same each time.
func newAnswers(cfg *Config) (*otter.Cache[digest, answer], error) {
	most := max(1, min(cfg.AnswerEntries, cfg.AnswerBytes/answerBytes))
	cache, err := otter.New(&otter.Options[digest, answer]{
		MaximumSize: most, Executor: func(work func()) { work() },
	})
	if err != nil {
		return nil, fmt.Errorf("reflexive: %w", err)
	}
	return cache, nil
}

// answer looks up what the policy says to a signal. Expressions see a signal's content but neither
// its id nor its time, so that is remembered by content, under the policy's version.
func (l *Layer) answer(p *policy, s *layers.Signal) answer {
	if p.isEmpty() {
		return answer{rule: -1, silence: -1}
	}
	key := l.hash.content(p, s)
	if a, ok := l.answers.GetIfPresent(key); ok {
		l.stats.answerHits.Add(1)
		a.cached = true
		return a
	}
	l.stats.answerMisses.Add(1)
	a := p.answer(s)
	l.answers.Set(key, a)
	return a
}
