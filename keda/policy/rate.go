package policy

import "time"

// speed is what one replica finishes per second. It is only measured while there is more to do than replicas can: an idle
// replica says nothing about what it could.
type speed struct {
	rate     float64 // signals/s
	measured bool
	at       time.Time // when it was measured
}

const (
	learnDown = 0.3              // weight of a new measurement that is lower
	learnUp   = 0.5              // and of one that is higher
	trustTime = 10 * time.Minute // after which a rate may have become better unnoticed
	probe     = 1.01             // by which it is then taken to be
)

// learn takes in what a flow says. Where the work is spread among few partitions, only their owners are busy.
func (s *speed) learn(now time.Time, f *flow) {
	if done, ok := f.measured(true); ok && done.total > 0 {
		workers := done.replicas
		if done.busy > 0 {
			workers = min(workers, done.busy)
		}
		s.take(now, done.total/float64(workers))
		return
	}
	done, ok := f.measured(false)
	if !ok || done.total <= 0 {
		return
	}
	switch each := done.total / float64(done.replicas); {
	case each > s.rate: // Busy or not, they have done it.
		s.rate = each
	case s.measured && now.Sub(s.at) > trustTime && each > 0.95*s.rate:
		s.rate *= probe // They keep up with all that they were ever seen to do: they may do more.
	}
}

// take takes in what one busy replica finished.
func (s *speed) take(now time.Time, each float64) {
	weight := learnDown
	switch {
	case !s.measured:
		weight = 1
	case each > s.rate:
		weight = learnUp
	}
	s.rate += weight * (each - s.rate)
	s.measured, s.at = true, now
}

// gain notices where more replicas bring no more.
type gain struct {
	replicas int     // with which there was enough to do last
	total    float64 // signals/s that they finished
	useful   int     // replicas beyond which more bring nothing; 0 where that was not seen
	at       float64 // signals/s that were finished when that was seen
	until    time.Time
}

const (
	gainLeast = 0.2             // share of what replicas should bring that they must
	gainSpare = 1.25            // of what seems to be useful
	gainRetry = 5 * time.Minute // after which it may be otherwise
	gainSure  = 10              // signals that should have been finished, for none to say anything
)

// look takes in what a flow says. That nothing is finished says something only where it is known what should have been: replicas
// that were never seen at work may be starting still, and signals may take long.
func (g *gain) look(now time.Time, f *flow, s *speed) {
	if g.useful > 0 && now.After(g.until) {
		*g = gain{}
	}
	done, ok := f.measured(true)
	if !ok || done.total <= 0 && !s.missed(done.replicas, f.stalled()) {
		return
	}
	if g.useful > 0 && done.total > g.at*(1+gainLeast) { // What was the bottleneck is none any more.
		*g = gain{}
	}
	if g.replicas > 0 && done.replicas > g.replicas {
		should := float64(done.replicas)/float64(g.replicas) - 1
		if done.total <= g.total*(1+gainLeast*should) {
			g.bound(now, done)
		}
	}
	if done.replicas == g.replicas {
		done.total = max(done.total, g.total)
	}
	g.replicas, g.total = done.replicas, done.total
}

// bound notes that the last replicas brought nothing.
func (g *gain) bound(now time.Time, done throughput) {
	useful := g.replicas
	if g.total > 0 {
		useful = max(useful, replicasFor(gainSpare*float64(g.replicas)*done.total/g.total))
	}
	g.useful, g.until = min(done.replicas, useful), now.Add(gainRetry)
	g.at = max(done.total, gainLeast*g.total) // Where next to nothing gets through, a little more is no end of it.
}

// missed reports whether so many replicas would have finished something meanwhile if they could.
func (s *speed) missed(replicas int, meanwhile time.Duration) bool {
	return s.measured && meanwhile >= measureMost && s.rate*float64(replicas)*meanwhile.Seconds() >= gainSure
}
