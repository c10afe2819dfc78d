package load

import (
	"maps"
	"time"
)

// Result is what the users saw.
type Result struct {
	NATS        string
	HTTP        string // empty where no operation goes over HTTP
	Users       int
	Rate        float64 // operations/s that were scheduled
	Seed        uint64
	For         time.Duration // as planned
	Elapsed     time.Duration
	Interrupted bool

	All        Figures
	Operations []OperationFigures // in the order of Operations, those of the mix
	Examples   map[Kind]string    // the first error of each kind

	Tailed  uint64  // results that tails showed
	Dropped uint64  // verdicts that this process was too slow for: the errors "no verdict" may be its own
	Lag     Figures // how late this process itself began operations whose users were free; contained in the latencies
}

// OperationFigures are the figures of one operation.
type OperationFigures struct {
	Operation Operation
	Figures
}

func (r *run) result(interrupted bool) Result {
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	result := Result{
		Users: r.cfg.Users, Rate: r.cfg.rate(), Seed: r.cfg.Seed, For: r.cfg.For, Elapsed: r.now().Sub(r.began),
		Interrupted: interrupted, Examples: maps.Clone(r.recorder.examples), Lag: r.recorder.lag.figures(),
	}
	all := newSeries()
	for _, operation := range r.cfg.Mix.operations() {
		s := r.recorder.each[operation]
		all.add(s)
		result.Operations = append(result.Operations, OperationFigures{operation, s.figures()})
	}
	result.All = all.figures()
	return result
}
