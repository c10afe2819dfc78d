package simulate

import (
	"math"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/keda/policy"
)

// scaler says what the HPA's metrics ask for.
type scaler interface {
	observe(v *view)               // each second
	desired(v *view, have int) int // when the HPA looks
}

// tolerance reports whether a ratio of metric to target is too small a difference to act on.
type tolerance func(ratio float64) bool

func newScaler(kind Kind, cfg Config, isWithin tolerance) scaler {
	switch kind {
	case KindCPU:
		return &byCPU{isWithin: isWithin}
	case KindLag:
		return &byLag{cfg: cfg, isWithin: isWithin}
	case KindLagP95:
		return &byLag{cfg: cfg, isWithin: isWithin, latency: true}
	default:
		return &byPolicy{policy: policy.New("layer", cfg.Policy), wanted: cfg.Policy.Min, isWithin: isWithin}
	}
}

// byCPU is the HPA on CPU.
type byCPU struct{ isWithin tolerance }

func (b *byCPU) observe(*view) {}

func (b *byCPU) desired(v *view, have int) int {
	n, ok := utilisation(v.pods.samples(v.now), have, cpuTarget, b.isWithin)
	if !ok {
		return have
	}
	return n
}

// byLag is KEDA's stock scaler for JetStream, with the latency of keda/stock where that is asked for.
type byLag struct {
	cfg      Config
	isWithin tolerance
	latency  bool
	finished []batch // of the last p95Window, by when they were finished
	p95      float64 // as last scraped
}

func (b *byLag) observe(v *view) {
	if !b.latency {
		return
	}
	for _, d := range v.done {
		d.at = v.now
		b.finished = append(b.finished, d)
	}
	old := 0
	for old < len(b.finished) && b.finished[old].at <= v.now-p95Window {
		old++
	}
	b.finished = append(b.finished[:0], b.finished[old:]...)
	if int(v.now)%scrapeEvery == 0 {
		b.p95 = quantileOf(b.finished, quantile)
	}
}

// quantileOf returns what a share of the signals waited at most.
func quantileOf(batches []batch, share float64) float64 {
	sorted := slices.Clone(batches)
	slices.SortFunc(sorted, func(a, b batch) int { return int(math.Copysign(1, a.waited-b.waited)) })
	total, sum := 0.0, 0.0
	for _, b := range sorted {
		total += b.amount
	}
	for _, b := range sorted {
		if sum += b.amount; sum >= share*total {
			return b.waited
		}
	}
	return 0
}

func (b *byLag) desired(v *view, have int) int {
	p := b.cfg.Policy
	need := v.waiting / (p.Rate * p.Drain.Seconds())
	if b.latency {
		need = max(need, float64(have)*min(b.p95/min(p.Latency, p.Drain).Seconds(), 2))
	}
	return perPod(have, need, 1, b.isWithin)
}

// byPolicy is HAL9's scaler.
type byPolicy struct {
	policy *policy.Policy
	wanted int

	isWithin tolerance
}

// epoch is when simulations begin.
func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func (b *byPolicy) observe(v *view) {
	if int(v.now)%decideEvery != 0 {
		return
	}
	d := b.policy.Decide(epoch().Add(time.Duration(v.now*float64(time.Second))), policy.Reading{
		Waiting: uint64(math.Round(v.waiting)), Oldest: time.Duration(v.oldest * float64(time.Second)),
		Arrived: uint64(math.Round(v.arrived)), Finished: uint64(math.Round(v.finished)),
		Replicas: v.pods.ready(), Partitions: v.partners,
	}, 0)
	b.wanted = d.Wanted
}

func (b *byPolicy) desired(_ *view, have int) int {
	return perPod(have, float64(b.wanted), 1, b.isWithin)
}
