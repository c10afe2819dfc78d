// Package simulate replays a load through autoscalers without a cluster: a layer of replicas that start late and work off one
// queue, and Kubernetes' horizontal pod autoscaler (HPA) as its controller has it, fed by CPU, by KEDA's stock lag, and by HAL9's
// policy, the same code that runs in production. The same input gives the same result; nothing in it waits or asks anybody.
// What the model leaves out stands in docs/keda.md.
package simulate

import (
	"errors"
	"fmt"

	"github.com/2lab-ai/hal9/keda/policy"
)

// Config says what is simulated.
type Config struct {
	Policy     policy.Config // bounds, pace, drain time, latency objective, pod start; Rate is what the scalers assume
	Rate       float64       // signals/s that one replica really works off; default Policy.Rate
	Partitions int           // beyond which replicas have nothing to do; 0 is no bound; default 60
	CPU        float64       // cores that a replica at full rate takes, of the one that it requests; default 1
	Kubernetes bool          // Kubernetes' own pace instead of Policy.Pace; default false
	Old        bool          // Kubernetes before 1.35, where HAL9's tolerance of 0 is ignored; default false
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	p := policy.DefaultConfig()
	return Config{Policy: p, Rate: p.Rate, Partitions: 60, CPU: 1}
}

// Validate reports every impossible value.
func (c Config) Validate() error {
	problems := []error{c.Policy.Validate()}
	if c.Policy.Min < 1 {
		problems = append(problems, errors.New("simulate: the HPA's part begins with one replica: want a minimum of 1 or more"))
	}
	if !(c.Rate > 0 && c.Rate <= 1e9) {
		problems = append(problems, fmt.Errorf("simulate: rate is %g: want more than 0 and at most 1e9 signals/s", c.Rate))
	}
	if c.Partitions < 0 {
		problems = append(problems, fmt.Errorf("simulate: %d partitions: want 0 or more", c.Partitions))
	}
	if !(c.CPU > 0 && c.CPU <= 64) {
		problems = append(problems, fmt.Errorf("simulate: %g cores per replica: want more than 0 and at most 64", c.CPU))
	}
	return errors.Join(problems...)
}

// Times of the machinery, in seconds: that of Kubernetes' controller manager, metrics-server and `hal9 scaler`.
const (
	syncEvery   = 15 // the HPA looks
	scrapeEvery = 15 // metrics-server and Prometheus look
	decideEvery = 2  // HAL9's scaler measures
	quantile    = 0.95
	p95Window   = 120 // of the stock latency query
)

// Kind names an autoscaler.
type Kind string

// The autoscalers.
const (
	KindCPU    Kind = "cpu"     // HPA on CPU, 60 %
	KindLag    Kind = "lag"     // KEDA's nats-jetstream: lag ÷ (assumed rate × drain time)
	KindLagP95 Kind = "lag+p95" // that and the p95 of waiting, as keda/stock has it
	KindHAL9   Kind = "hal9"    // HAL9's scaler
	cpuTarget       = 60        // percent
	cpuRequest      = 1         // cores
)

// Kinds lists them all.
func Kinds() []Kind { return []Kind{KindCPU, KindLag, KindLagP95, KindHAL9} }

// Run replays a load through one autoscaler. cfg must be valid.
func Run(cfg Config, load Load, kind Kind) Result {
	h := newHPA(cfg, kind)
	s := &run{cfg: cfg, pods: newPods(cfg.Policy.Min), hpa: h, scaler: newScaler(kind, cfg, h.isWithin), record: newRecorder(cfg, kind, len(load))}
	for second, rate := range load {
		s.step(float64(second), rate)
	}
	// What is left is worked off, so that no autoscaler looks good by leaving it: for at most as long again.
	for second := len(load); second < 2*len(load)+600 && s.queue.length >= 0.5; second++ {
		s.step(float64(second), 0)
	}
	return s.record.result(s)
}

// run is one simulation.
type run struct {
	cfg    Config
	queue  queue
	pods   *pods
	hpa    *hpa
	scaler scaler
	record *recorder
	view   view
}

// view is what autoscalers may look at, after a second.
type view struct {
	now      float64 // seconds
	arrived  float64 // signals so far
	finished float64
	waiting  float64
	oldest   float64 // seconds
	pods     *pods
	partners int // replicas that may share the work
	done     []batch
}

// step lets one second pass.
func (s *run) step(now, rate float64) {
	if now > 0 && int(now)%syncEvery == 0 {
		s.sync(now)
	}
	s.pods.start(now)
	s.queue.push(now, rate)
	working := s.pods.ready()
	if s.cfg.Partitions > 0 {
		working = min(working, s.cfg.Partitions)
	}
	can := float64(working) * s.cfg.Rate
	done := s.queue.pop(now, can)
	worked := 0.0
	for _, b := range done {
		worked += b.amount
	}
	busy := 0.0
	if can > 0 {
		busy = worked / can
	}
	s.pods.work(busy*s.cfg.CPU, working)
	v := &s.view
	v.now, v.done, v.pods, v.partners = now, done, s.pods, s.cfg.Partitions
	v.arrived += rate
	v.finished += worked
	v.waiting, v.oldest = s.queue.length, s.queue.oldest(now)
	s.scaler.observe(v)
	s.record.second(s, rate)
}

// sync is one look of the HPA.
func (s *run) sync(now float64) {
	current := s.pods.count()
	var want int
	switch {
	case current > s.hpa.max:
		want = s.hpa.max
	case current < s.hpa.min:
		want = s.hpa.min
	default:
		want = s.hpa.normalise(now, current, s.scaler.desired(&s.view, current))
	}
	if want != current {
		s.hpa.note(now, current, want)
		s.pods.scale(now, want, s.cfg.Policy.PodStart.Seconds())
	}
}
