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

// learn takes in what a flow says. busyParts is among how many partitions the work is spread: where it is few, only their
// owners are busy.
func (s *speed) learn(now time.Time, f *flow, busyParts int) {
	if total, replicas, ok := f.measured(true); ok && total > 0 {
		if busyParts > 0 {
			replicas = min(replicas, busyParts)
		}
		s.take(now, total/float64(replicas))
		return
	}
	total, replicas, ok := f.measured(false)
	if !ok || total <= 0 {
		return
	}
	switch each := total / float64(replicas); {
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
)

// look takes in what a flow says.
func (g *gain) look(now time.Time, f *flow) {
	if g.useful > 0 && now.After(g.until) {
		*g = gain{}
	}
	total, replicas, ok := f.measured(true)
	if !ok || total <= 0 {
		return
	}
	if g.useful > 0 && total > g.at*(1+gainLeast) { // What was the bottleneck is none any more.
		*g = gain{}
	}
	if g.replicas > 0 && replicas > g.replicas {
		should, did := float64(replicas)/float64(g.replicas)-1, total/g.total-1
		if did < gainLeast*should {
			useful := replicasFor(gainSpare * float64(g.replicas) * total / g.total)
			g.useful, g.at, g.until = min(replicas, max(g.replicas, useful)), total, now.Add(gainRetry)
		}
	}
	if replicas == g.replicas {
		total = max(total, g.total)
	}
	g.replicas, g.total = replicas, total
}
