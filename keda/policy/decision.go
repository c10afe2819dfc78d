package policy

import "time"

// Term names what decided.
type Term string

// The terms. The first four say how many replicas are needed; the others say why the number is another one than that.
const (
	TermMin     Term = "min"     // less than the minimum is needed
	TermDrain   Term = "drain"   // the backlog, within its time
	TermLatency Term = "latency" // the age of the oldest signal
	TermArrival Term = "arrival" // what comes in, or is about to

	TermMax        Term = "max"        // more than the maximum is needed
	TermUseful     Term = "useful"     // more could not share the work
	TermDeadBand   Term = "dead_band"  // the need differs too little
	TermDraining   Term = "draining"   // fewer would not finish the backlog in time
	TermDownstream Term = "downstream" // the next layer is the bottleneck
	TermNoGain     Term = "no_gain"    // the last replicas brought nothing
	TermWatching   Term = "watching"   // not watched for long enough to take replicas away
	TermMeasuring  Term = "measuring"  // what a replica can do is being measured
	TermZero       Term = "zero"       // nothing to do, and the minimum is 0
)

// Decision is how many replicas a layer needs, and from what that follows.
type Decision struct {
	At     time.Time `json:"at"`
	Layer  string    `json:"layer"`
	Wanted int       `json:"wanted"` // replicas
	Before int       `json:"before"` // what was wanted before
	Term   Term      `json:"term"`   // what decided
	Reason string    `json:"reason"` // in words

	Need    float64 `json:"need"`    // replicas, the largest of the terms below
	Drain   float64 `json:"drain"`   // backlog ÷ (rate × drain time)
	Latency float64 `json:"latency"` // backlog ÷ (rate × latency objective), where the oldest signal is about to be later than that
	Arrival float64 `json:"arrival"` // arrival ÷ rate

	Backlog      float64   `json:"backlog"`        // signals that count: unfinished, not parked, and what comes while pods start
	Rate         float64   `json:"rate"`           // signals/s of one replica
	RateMeasured bool      `json:"rate_measured"`  // false: it is the configured one
	ArrivalRate  float64   `json:"arrival_rate"`   // signals/s over the drain time
	FinishedRate float64   `json:"finished_rate"`  // signals/s
	Feed         float64   `json:"feed"`           // signals/s that the layer below is about to send
	Coming       int       `json:"coming"`         // replicas that were asked for and are not there yet
	Asked        time.Time `json:"asked,omitzero"` // when more were last asked for

	Reading Reading `json:"reading"`
	Config  Config  `json:"config"`

	Error   string `json:"error,omitempty"`   // why nothing could be decided; then nothing above but what Failed keeps is set, and no number holds
	Missing bool   `json:"missing,omitempty"` // something is not there: what was decided before does not hold any more either
}

// Failed returns what is told instead of a decision where the layer could not be measured. It keeps of the last one, which may be
// empty, what a successor goes on from.
func (d *Decision) Failed(at time.Time, layer, why string, missing bool) Decision {
	return Decision{
		At: at, Layer: layer, Wanted: d.Wanted, Before: d.Wanted, Asked: d.Asked, Rate: d.Rate, RateMeasured: d.RateMeasured, ArrivalRate: d.ArrivalRate,
		Config: d.Config, Error: why, Missing: missing,
	}
}

// Active reports whether the layer needs any replica.
func (d *Decision) Active() bool { return d.Wanted > 0 }
