package simulate

import (
	"math"
	"time"

	"github.com/2lab-ai/hal9/keda/policy"
)

// hpa is Kubernetes' horizontal pod autoscaler after its metrics: stabilisation, rates and bounds, as
// k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go (1.37) has them (normalizeDesiredReplicasWithBehaviors).
type hpa struct {
	min, max  int
	up, down  rules
	tolerance float64
	recent    []recommendation
	ups       []change
	downs     []change
}

// rules are one direction of an HPA's behaviour.
type rules struct {
	window   float64 // stabilizationWindowSeconds
	policies []paceRule
}

// paceRule is one HPAScalingPolicy; the one that allows most holds (selectPolicy Max).
type paceRule struct {
	pods    int
	percent float64
	period  float64 // seconds
}

type recommendation struct {
	at       float64
	replicas int
}

type change struct {
	at       float64
	replicas int // more or fewer, without sign
}

// The tolerance of the controller manager.
const defaultTolerance = 0.1

func newHPA(cfg Config, kind Kind) *hpa {
	h := &hpa{min: cfg.Policy.Min, max: cfg.Policy.Max, tolerance: defaultTolerance}
	if kind == KindHAL9 && !cfg.Old {
		h.tolerance = 0 // as rendered
	}
	if cfg.Kubernetes {
		h.up = rules{policies: []paceRule{{pods: 4, period: 15}, {percent: 100, period: 15}}}
		h.down = rules{window: 300, policies: []paceRule{{percent: 100, period: 15}}}
		return h
	}
	h.up, h.down = rulesOf(cfg.Policy.Pace)
	return h
}

// rulesOf returns what hal9-keda renders of a pace.
func rulesOf(p policy.Pace) (up, down rules) {
	up.policies = []paceRule{{pods: p.Up, period: whole(p.UpEvery)}}
	down = rules{window: whole(p.Settle), policies: []paceRule{{pods: p.Down, period: whole(p.DownEvery)}}}
	return up, down
}

func whole(d time.Duration) float64 { return math.Floor(d.Seconds()) }

// isWithin reports whether a ratio of metric to target is too small a difference to act on.
func (h *hpa) isWithin(ratio float64) bool { return 1-h.tolerance <= ratio && ratio <= 1+h.tolerance }

// normalise makes of what the metrics ask for what the HPA does.
func (h *hpa) normalise(now float64, current, desired int) int {
	if len(h.recent) == 0 {
		h.recent = []recommendation{{now, current}} // recordInitialRecommendation
	}
	desired = h.stabilise(now, current, desired)
	switch {
	case desired > current:
		return min(desired, h.max, max(current, h.upLimit(now, current)))
	case desired < current:
		return max(desired, h.min, min(current, h.downLimit(now, current)))
	}
	return desired
}

// stabilise takes the lowest of what was asked for within the window of scaling up, and the highest within that of scaling down.
func (h *hpa) stabilise(now float64, current, desired int) int {
	low, high := desired, desired
	kept := h.recent[:0]
	for _, r := range h.recent {
		if r.at > now-h.up.window {
			low = min(low, r.replicas)
		}
		if r.at > now-h.down.window {
			high = max(high, r.replicas)
		}
		if r.at >= now-max(h.up.window, h.down.window) {
			kept = append(kept, r)
		}
	}
	h.recent = append(kept, recommendation{now, desired})
	return min(max(current, low), high)
}

// upLimit returns up to how many replicas the rules allow.
func (h *hpa) upLimit(now float64, current int) int {
	limit := math.MinInt32
	for _, p := range h.up.policies {
		start := h.periodStart(now, current, p.period)
		proposed := start + p.pods
		if p.percent > 0 {
			proposed = int(math.Ceil(float64(start) * (1 + p.percent/100)))
		}
		limit = max(limit, proposed)
	}
	return limit
}

// downLimit returns down to how many.
func (h *hpa) downLimit(now float64, current int) int {
	limit := math.MaxInt32
	for _, p := range h.down.policies {
		start := h.periodStart(now, current, p.period)
		proposed := start - p.pods
		if p.percent > 0 {
			proposed = int(float64(start) * (1 - p.percent/100))
		}
		limit = min(limit, proposed)
	}
	return limit
}

// periodStart returns how many replicas there were when a period began.
func (h *hpa) periodStart(now float64, current int, period float64) int {
	return current - sumSince(h.ups, now-period) + sumSince(h.downs, now-period)
}

func sumSince(changes []change, after float64) (n int) {
	for _, c := range changes {
		if c.at > after {
			n += c.replicas
		}
	}
	return n
}

// note remembers a change of replicas.
func (h *hpa) note(now float64, from, to int) {
	keep := func(changes []change, r rules, more change) []change {
		longest := 0.0
		for _, p := range r.policies {
			longest = max(longest, p.period)
		}
		kept := changes[:0]
		for _, c := range changes {
			if c.at >= now-longest {
				kept = append(kept, c)
			}
		}
		return append(kept, more)
	}
	if to > from {
		h.ups = keep(h.ups, h.up, change{now, to - from})
	} else {
		h.downs = keep(h.downs, h.down, change{now, from - to})
	}
}
