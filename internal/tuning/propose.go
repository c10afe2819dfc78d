package tuning

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// How much feedback makes a step.
const (
	noiseLeast  = 3 // situations of a key that are noise
	usefulLeast = 3 // situations of a key that are useful, for a step back towards what is configured
	changesMost = 20
)

// Sensitivity proposes the next version of L3's tuning from what was said since, and nil where nothing follows. Each key moves
// by one step at most: up where at least three of its situations were noise and these are more than twice those that were useful; down
// where a signal was missed, or where three were useful and the key stands above what is configured.
func Sensitivity(live *layers.Tuning, since time.Time, all []Feedback) *layers.Tuning {
	votes := make(map[[2]string]*tally) // by source, or *, and key
	for _, f := range inOrder(all) {
		if !f.At.After(since) {
			continue
		}
		source := "*"
		if f.Opinion == OpinionMissed {
			source = f.Source
		}
		id := [2]string{source, f.Key}
		if votes[id] == nil {
			votes[id] = &tally{balance: make(map[string]int)}
		}
		votes[id].add(&f)
	}
	next := next(live)
	keys := slices.SortedFunc(maps.Keys(votes), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0]))
	})
	for _, id := range keys {
		if len(next.Why) == changesMost {
			break
		}
		step, why := votes[id].step(stepsOf(next, id))
		if step != 0 && move(next, id, step) {
			next.Why = append(next.Why, fmt.Sprintf("%s: %+d step, since %s", id[1], step, why))
		}
	}
	if len(next.Why) == 0 || next.Validate() != nil {
		return nil
	}
	return next
}

// tally is what was said about one key.
type tally struct {
	balance map[string]int // by situation: authors who say noise, less those who say useful
	missed  int
}

func (t *tally) add(f *Feedback) {
	switch f.Opinion {
	case OpinionNoise:
		t.balance[f.ID]++
	case OpinionUseful:
		t.balance[f.ID]--
	case OpinionMissed:
		t.missed++
	}
}

// step returns by what a key moves that stands at steps, and why.
func (t *tally) step(steps int) (step int, why string) {
	noise, useful := 0, 0
	for _, balance := range t.balance {
		switch {
		case balance > 0:
			noise++
		case balance < 0:
			useful++
		}
	}
	switch {
	case t.missed > 0:
		return -1, fmt.Sprintf("%d of its signals were missed", t.missed)
	case noise >= noiseLeast && noise > 2*useful:
		return 1, fmt.Sprintf("%d of its situations were noise and %d useful", noise, useful)
	case useful >= usefulLeast && useful > 2*noise && steps > 0:
		return -1, fmt.Sprintf("%d of its situations were useful and %d noise", useful, noise)
	}
	return 0, ""
}

// next returns a copy of a tuning under the next version.
func next(live *layers.Tuning) *layers.Tuning {
	n := *live
	n.Version, n.Why, n.At = live.Version+1, nil, time.Time{}
	n.Sensitivities, n.Neurons = slices.Clone(live.Sensitivities), slices.Clone(live.Neurons)
	return &n
}

func stepsOf(t *layers.Tuning, id [2]string) int {
	for _, s := range t.Sensitivities {
		if s.Source == id[0] && s.Key == id[1] {
			return s.Steps
		}
	}
	return 0
}

// move moves a key by a step, and reports whether that is within the bounds.
func move(t *layers.Tuning, id [2]string, step int) bool {
	for i := range t.Sensitivities {
		s := &t.Sensitivities[i]
		if s.Source != id[0] || s.Key != id[1] {
			continue
		}
		to := s.Steps + step
		if to < layers.TuningLeastStep || to > layers.TuningMostStep {
			return false
		}
		if s.Steps = to; to == 0 {
			t.Sensitivities = slices.Delete(t.Sensitivities, i, i+1)
		}
		return true
	}
	if len(t.Sensitivities) == layers.TuningMaxSensitivities {
		return false
	}
	t.Sensitivities = append(t.Sensitivities, layers.Sensitivity{Source: id[0], Key: id[1], Steps: step})
	slices.SortFunc(t.Sensitivities, func(a, b layers.Sensitivity) int {
		return cmp.Or(cmp.Compare(b.Source, a.Source), cmp.Compare(a.Key, b.Key)) // A source's own comes before *.
	})
	return true
}
