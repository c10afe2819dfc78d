package policy

import (
	"math"
	"time"
)

// Policy decides for one layer. It is not safe for concurrent use.
type Policy struct {
	layer string
	cfg   Config

	wanted  int // 0 with known false: nothing was decided yet
	known   bool
	asked   time.Time // when more replicas were last asked for
	backlog time.Time // when there last was one too large for the replicas that are there

	flow  flow
	speed speed
	gain  gain
}

// New returns the policy of a layer, whose name decisions carry. cfg must be valid.
func New(layer string, cfg Config) *Policy {
	return &Policy{layer: layer, cfg: cfg, speed: speed{rate: cfg.Rate}, flow: flow{keep: max(cfg.Drain, measureMost)}}
}

// Resume goes on from the last decision of a predecessor: what it had asked for and the rate that it had measured. One that could never
// decide leaves nothing to go on from.
func (p *Policy) Resume(last Decision) {
	if last.Rate == 0 {
		return
	}
	p.wanted, p.known, p.asked = p.cfg.clamp(last.Wanted), true, last.Asked
	p.flow.before = last.ArrivalRate
	if last.RateMeasured && last.Rate > 0 {
		p.speed = speed{rate: last.Rate, measured: true, at: last.At}
	}
}

// Decide says how many replicas are needed. feed is what the layer below is about to send, signals/s; 0 where that is not known.
// Readings must come in the order of their times.
func (p *Policy) Decide(now time.Time, r Reading, feed float64) Decision {
	p.stepBack(now)
	p.flow.add(now, &r)
	p.speed.learn(now, &p.flow)
	p.gain.look(now, &p.flow, &p.speed)
	if !p.known {
		p.wanted, p.known = p.cfg.clamp(r.Replicas), true
	}
	d := Decision{
		At: now, Layer: p.layer, Before: p.wanted, Rate: p.speed.rate, RateMeasured: p.speed.measured,
		ArrivalRate: p.flow.arrival(p.cfg.Drain), FinishedRate: p.flow.finished(), Feed: feed,
		Coming: p.coming(now, r.Replicas), Reading: r, Config: p.cfg,
	}
	p.measureNeed(&d, now)
	p.settle(&d, now)
	p.note(&d, now)
	d.Reason = reason(&d)
	return d
}

// stepBack has nothing lie ahead where the clock went back, or is behind a predecessor's: what was asked for counts from now on.
func (p *Policy) stepBack(now time.Time) {
	if p.asked.After(now) {
		p.asked = now
	}
	if p.backlog.After(now) {
		p.backlog = now
	}
}

// coming returns how many replicas were asked for and may be starting still.
func (p *Policy) coming(now time.Time, live int) int {
	if now.Sub(p.asked) >= p.cfg.PodStart {
		return 0
	}
	return max(0, p.wanted-live)
}

// measureNeed fills in the terms.
func (p *Policy) measureNeed(d *Decision, now time.Time) {
	r := &d.Reading
	work := float64(r.Work())
	capacity := func(within time.Duration) float64 { return d.Rate * within.Seconds() }
	share := math.Inf(1) // A signal can't be divided, nor can a partition.
	if r.Busy > 0 {
		share = float64(r.Busy)
	}
	d.Backlog = work
	if work/capacity(p.cfg.Drain) > float64(r.Replicas) {
		// Until the pods are there that this takes, or has taken already, it grows.
		wait := p.cfg.PodStart
		if d.Coming > 0 {
			wait -= now.Sub(p.asked)
		}
		grows := min(d.ArrivalRate, p.flow.steady(p.cfg.PodStart)) - d.FinishedRate
		d.Backlog += max(0, grows) * wait.Seconds()
	}
	d.Drain = min(d.Backlog/capacity(p.cfg.Drain), work, share)
	// With parked signals there, the oldest is most likely one of them: how old the others are is not known.
	if late := r.Oldest.Seconds() / p.cfg.Latency.Seconds(); late > 1 && d.Coming == 0 && r.Parked == 0 {
		within := min(p.cfg.Latency, p.cfg.Drain)
		d.Latency = min(work/capacity(within)*min(late, 2), work, share)
	}
	d.Arrival = max(d.ArrivalRate, d.Feed) / d.Rate
	d.Need, d.Term = d.Arrival, TermArrival
	if d.Drain >= d.Need {
		d.Need, d.Term = d.Drain, TermDrain
	}
	if d.Latency > d.Need {
		d.Need, d.Term = d.Latency, TermLatency
	}
}

// settle makes a number of replicas of the need: first what is needed, then what keeps it from being followed.
func (p *Policy) settle(d *Decision, now time.Time) {
	target, held := replicasFor(d.Need), p.wanted
	cut := func(most int, term Term) {
		if held = min(held, most); target > most {
			target, d.Term = most, term
		}
	}
	if n := d.Reading.Partitions; n > 0 {
		cut(n, TermUseful)
	}
	cut(p.cfg.Max, TermMax)
	if p.gain.useful > 0 {
		cut(p.gain.useful, TermNoGain)
	}
	switch {
	case target > held:
		target = p.up(d, target, held)
	case target < held && held > p.cfg.Min:
		target = p.down(d, now, target, held)
	}
	least := p.cfg.Min
	if least == 0 && !p.idle(d) {
		least = 1
	}
	switch {
	case target < least:
		target, d.Term = least, TermMin
	case target == 0:
		d.Term = TermZero
	}
	d.Wanted = target
}

// firstTime is how long a rate that was never measured is waited for before replicas are asked for on a guess.
const firstTime = 2 * measureTime

// up returns how many of target may be asked for where held are there or under way.
func (p *Policy) up(d *Decision, target, held int) int {
	switch {
	case held == 0:
		return target
	case d.Reading.HeldBack:
		d.Term = TermDownstream
	case !d.RateMeasured && d.Reading.Replicas > 0 && p.flow.loaded() < firstTime:
		d.Term = TermMeasuring
	case d.Need <= float64(held)*(1+p.cfg.DeadBand):
		d.Term = TermDeadBand
	default:
		return target
	}
	return held
}

// down returns how many of held may stay where target are needed. While a backlog is worked off, those that were asked for do:
// fewer and fewer would never finish it in time. What is less than a second's work is no backlog.
func (p *Policy) down(d *Decision, now time.Time, target, held int) int {
	spare := replicasFor(d.Need * (1 + p.cfg.DeadBand))
	switch {
	case p.flow.span() < min(p.cfg.Drain, measureMost):
		d.Term = TermWatching
	case now.Sub(p.backlog) < p.cfg.PodStart+2*p.cfg.Drain && float64(d.Reading.Work()) > d.Rate*float64(held):
		d.Term = TermDraining
	case spare >= held:
		d.Term = TermDeadBand
	default:
		return max(target, spare)
	}
	return held
}

// idle reports whether a layer has nothing to do and nothing is on its way.
func (p *Policy) idle(d *Decision) bool {
	quiet := d.Reading.Unfinished() == 0 && d.ArrivalRate == 0 && d.Feed == 0
	return quiet && (p.wanted == 0 || p.flow.span() >= min(p.cfg.Drain, measureMost))
}

// note remembers what was decided.
func (p *Policy) note(d *Decision, now time.Time) {
	if d.Wanted > p.wanted {
		p.asked = now
	}
	if d.Drain > float64(d.Reading.Replicas) || d.Latency > float64(d.Reading.Replicas) {
		p.backlog = now
	}
	p.wanted = d.Wanted
	d.Asked = p.asked
}

// replicasFor returns how many whole replicas a need takes. What is a thousandth over is noise.
func replicasFor(need float64) int {
	if need > 2*MaxReplicas {
		return 2 * MaxReplicas
	}
	return int(math.Ceil(need - 1e-3))
}
