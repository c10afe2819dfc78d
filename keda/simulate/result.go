package simulate

// Result is what one autoscaler did to a load. Times are seconds.
type Result struct {
	Kind       Kind    `json:"scaler"`
	Late       int     `json:"late_seconds"`      // in which the oldest signal was older than the objective
	PodHours   float64 `json:"pod_hours"`         // of pods that exist, ready or not
	Turns      int     `json:"direction_changes"` // from more to fewer or back
	Max        int     `json:"max_replicas"`
	Drain      int     `json:"drain_seconds"` // longest time from when signals waited for more than a second until none did
	Longest    float64 `json:"longest_wait_seconds"`
	Signals    float64 `json:"signals"`    // that came in
	Unfinished float64 `json:"unfinished"` // that were not worked off in the time of the load and as long again
	Points     []Point `json:"points,omitempty"`
}

// Point is the state after one second.
type Point struct {
	Load    float64 `json:"load"`     // signals/s that came in
	Pods    int     `json:"pods"`     // that exist
	Ready   int     `json:"ready"`    // that work
	Backlog float64 `json:"backlog"`  // signals that wait
	Oldest  float64 `json:"oldest_s"` // age of the oldest, seconds
}

// recorder takes down what happens.
type recorder struct {
	cfg       Config
	out       Result
	podTime   float64
	direction int
	before    int
	waiting   int // seconds of the present backlog
}

func newRecorder(cfg Config, kind Kind, length int) *recorder {
	return &recorder{cfg: cfg, out: Result{Kind: kind, Points: make([]Point, 0, length)}, before: cfg.Policy.Min}
}

// second takes down one second.
func (r *recorder) second(s *run, rate float64) {
	n := s.pods.count()
	p := Point{Load: rate, Pods: n, Ready: s.pods.ready(), Backlog: s.queue.length, Oldest: s.view.oldest}
	r.out.Points = append(r.out.Points, p)
	r.podTime += float64(n)
	r.out.Signals += rate
	r.out.Max = max(r.out.Max, n)
	r.out.Longest = max(r.out.Longest, p.Oldest)
	if p.Oldest > r.cfg.Policy.Latency.Seconds() {
		r.out.Late++
	}
	if p.Oldest > 1 {
		r.waiting++
		r.out.Drain = max(r.out.Drain, r.waiting)
	} else {
		r.waiting = 0
	}
	if d := compare(n, r.before); d != 0 {
		if r.direction != 0 && d != r.direction {
			r.out.Turns++
		}
		r.direction = d
	}
	r.before = n
}

func compare(a, b int) int {
	switch {
	case a > b:
		return 1
	case a < b:
		return -1
	}
	return 0
}

func (r *recorder) result(s *run) Result {
	r.out.PodHours = r.podTime / 3600
	r.out.Unfinished = s.queue.length
	return r.out
}
