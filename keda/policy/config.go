// Package policy decides how many replicas a layer needs from what was measured of it. It is pure: no clock, no network, no
// goroutine, the standard library only, so that a scaler, a simulator and a test all get the same answer from the same readings.
// A Policy remembers what it has to (the measured rate, what it asked for and when); a Chain decides for layers that feed each
// other. Every Decision carries its inputs and says in words why.
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Config says what a layer is to be scaled for.
type Config struct {
	Min      int           `yaml:"min" json:"min"`             // replicas at least; 0 lets the layer stand still while there is nothing to do; default 5
	Max      int           `yaml:"max" json:"max"`             // replicas at most, 1 to 1000; default 30
	Drain    time.Duration `yaml:"drain" json:"-"`             // in which a backlog is to be worked off, 1s to 1h; default 30s
	Latency  time.Duration `yaml:"latency" json:"-"`           // how old the oldest unfinished signal may get, 1s to 24h; default 1m
	PodStart time.Duration `yaml:"pod_start" json:"-"`         // from asking for a pod until it works, 0s to 10m; default 20s
	DeadBand float64       `yaml:"dead_band" json:"dead_band"` // share by which need may differ before the number follows, 0 to 0.5; default 0.1
	Rate     float64       `yaml:"rate" json:"rate"`           // signals/s of one replica until that is measured, above 0; default 1000
	Pace     Pace          `yaml:"pace" json:"pace"`           // how fast Kubernetes may follow
}

// Pace bounds how fast the autoscaler follows what is needed. The policy does not use it: it says what is needed, not when
// Kubernetes may act on it. What renders and simulates the autoscaler does.
type Pace struct {
	Up        int           `yaml:"up" json:"up"`        // pods that may be added within UpEvery; default 5
	UpEvery   time.Duration `yaml:"up_every" json:"-"`   // 1s to 30m; default 1m
	Down      int           `yaml:"down" json:"down"`    // pods that may be taken away within DownEvery; default 2
	DownEvery time.Duration `yaml:"down_every" json:"-"` // 1s to 30m; default 2m
	Settle    time.Duration `yaml:"settle" json:"-"`     // for which the need must have been lower before pods are taken away, 0s to 1h; default 5m
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Min: 5, Max: 30, Drain: 30 * time.Second, Latency: time.Minute, PodStart: 20 * time.Second, DeadBand: 0.1, Rate: 1000,
		Pace: Pace{Up: 5, UpEvery: time.Minute, Down: 2, DownEvery: 2 * time.Minute, Settle: 5 * time.Minute},
	}
}

// MaxReplicas bounds Config.Max.
const MaxReplicas = 1000

// Validate reports every impossible value, each named by its key.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf("policy: "+format, args...)) }
	if c.Max < 1 || c.Max > MaxReplicas {
		wrong("max is %d: want 1 to %d replicas", c.Max, MaxReplicas)
	}
	if c.Min < 0 {
		wrong("min is %d: want 0 or more replicas", c.Min)
	}
	if c.Min > c.Max {
		wrong("min is %d, more than max (%d): want at most that", c.Min, c.Max)
	}
	if c.DeadBand < 0 || c.DeadBand > 0.5 {
		wrong("dead_band is %g: want 0 to 0.5, a share", c.DeadBand)
	}
	if !(c.Rate > 0 && c.Rate <= 1e9) {
		wrong("rate is %g: want more than 0 and at most 1e9 signals per second and replica", c.Rate)
	}
	for _, p := range []struct {
		key           string
		value, lo, hi time.Duration
	}{
		{"drain", c.Drain, time.Second, time.Hour},
		{"latency", c.Latency, time.Second, 24 * time.Hour},
		{"pod_start", c.PodStart, 0, 10 * time.Minute},
		{"pace.up_every", c.Pace.UpEvery, time.Second, 30 * time.Minute},
		{"pace.down_every", c.Pace.DownEvery, time.Second, 30 * time.Minute},
		{"pace.settle", c.Pace.Settle, 0, time.Hour},
	} {
		if p.value < p.lo || p.value > p.hi {
			wrong("%s is %s: want %s to %s", p.key, p.value, p.lo, p.hi)
		}
	}
	if c.Pace.Up < 1 || c.Pace.Up > MaxReplicas {
		wrong("pace.up is %d: want 1 to %d pods", c.Pace.Up, MaxReplicas)
	}
	if c.Pace.Down < 1 || c.Pace.Down > MaxReplicas {
		wrong("pace.down is %d: want 1 to %d pods", c.Pace.Down, MaxReplicas)
	}
	return errors.Join(problems...)
}

// clamp keeps a number of replicas within min and max.
func (c Config) clamp(n int) int { return min(max(n, c.Min), c.Max) }

type configFields Config

type configJSON struct {
	configFields
	Drain    int64 `json:"drain_us"`
	Latency  int64 `json:"latency_us"`
	PodStart int64 `json:"pod_start_us"`
}

// MarshalJSON writes durations as microseconds.
func (c Config) MarshalJSON() ([]byte, error) {
	return json.Marshal(configJSON{configFields(c), c.Drain.Microseconds(), c.Latency.Microseconds(), c.PodStart.Microseconds()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Config) UnmarshalJSON(data []byte) error {
	var v configJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*c = Config(v.configFields)
	c.Drain, c.Latency, c.PodStart = micros(v.Drain), micros(v.Latency), micros(v.PodStart)
	return nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

type paceFields Pace

type paceJSON struct {
	paceFields
	UpEvery   int64 `json:"up_every_us"`
	DownEvery int64 `json:"down_every_us"`
	Settle    int64 `json:"settle_us"`
}

// MarshalJSON writes durations as microseconds.
func (p Pace) MarshalJSON() ([]byte, error) {
	return json.Marshal(paceJSON{paceFields(p), p.UpEvery.Microseconds(), p.DownEvery.Microseconds(), p.Settle.Microseconds()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Pace) UnmarshalJSON(data []byte) error {
	var v paceJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*p = Pace(v.paceFields)
	p.UpEvery, p.DownEvery, p.Settle = micros(v.UpEvery), micros(v.DownEvery), micros(v.Settle)
	return nil
}
