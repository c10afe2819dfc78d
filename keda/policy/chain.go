package policy

import "time"

// Chain decides for layers of which each hands a part of its signals to the next. It tells each what the one below is about
// to send, so that it is asked for before the signals are there. It is not safe for concurrent use.
type Chain struct {
	policies []*Policy
	links    []link // [i] from i to i+1
	feeds    []feeding
}

// link is which share of what a layer finishes arrives at the next one.
type link struct {
	finished, arrived uint64 // counters when it was looked at last
	at                time.Time
	share             float64
	known             bool
}

// feeding is what a layer will finish.
type feeding struct {
	rate float64 // signals/s
	at   time.Time
}

// Times of links.
const (
	linkTime   = 5 * time.Second // least time over which a share is measured
	linkWeight = 0.3             // of a new measurement
	feedTime   = time.Minute     // after which what was expected of a layer does not count any more
	feedLeast  = 0.5             // signals within a drain time, below which none are expected: a share fades, and is never 0 again
)

// NewChain returns the policies of layers, from the lowest. There must be one configuration for each.
func NewChain(layers []string, configs []Config) *Chain {
	c := &Chain{links: make([]link, len(layers)), feeds: make([]feeding, len(layers))}
	for i, layer := range layers {
		c.policies = append(c.policies, New(layer, configs[i]))
	}
	return c
}

// Resume goes on from a predecessor's last decision about a layer of the chain; any other is ignored.
func (c *Chain) Resume(last Decision) {
	for _, p := range c.policies {
		if p.layer == last.Layer {
			p.Resume(last)
		}
	}
}

// Decide decides for all layers whose readings are there (nil: it could not be measured), from the lowest. The decision about a
// layer without a reading is nil.
func (c *Chain) Decide(now time.Time, readings []*Reading) []*Decision {
	decisions := make([]*Decision, len(c.policies))
	for i, p := range c.policies {
		r := readings[i]
		if r == nil {
			continue
		}
		feed := 0.0
		if i > 0 {
			feed = c.feed(now, i-1, readings[i-1], r)
		}
		d := p.Decide(now, *r, feed)
		decisions[i] = &d
		c.feeds[i] = feeding{expected(&d), now}
	}
	return decisions
}

// feed returns what a layer is about to send to the next one, signals/s.
func (c *Chain) feed(now time.Time, from int, lower, upper *Reading) float64 {
	l := &c.links[from]
	if lower != nil {
		l.look(now, lower.Finished, upper.Arrived)
	}
	if !l.known || now.Sub(c.feeds[from].at) > feedTime {
		return 0
	}
	feed := l.share * c.feeds[from].rate
	if feed*c.policies[from+1].cfg.Drain.Seconds() < feedLeast {
		return 0
	}
	return feed
}

func (l *link) look(now time.Time, finished, arrived uint64) {
	if l.at.IsZero() || finished < l.finished || arrived < l.arrived {
		l.finished, l.arrived, l.at = finished, arrived, now
		return
	}
	if now.Sub(l.at) < linkTime || finished == l.finished {
		return
	}
	share := min(1, float64(arrived-l.arrived)/float64(finished-l.finished))
	if l.known {
		share = l.share + linkWeight*(share-l.share)
	}
	l.share, l.known = share, true
	l.finished, l.arrived, l.at = finished, arrived, now
}

// expected returns what a layer will finish per second once it has the replicas that it asked for: what comes in, or its backlog
// within the drain time, as far as its replicas can.
func expected(d *Decision) float64 {
	due := max(d.ArrivalRate, d.Feed, float64(d.Reading.Work())/d.Config.Drain.Seconds())
	return min(due, max(float64(d.Wanted)*d.Rate, d.FinishedRate))
}
