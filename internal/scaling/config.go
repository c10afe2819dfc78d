// Package scaling decides how many replicas the layers need, and keeps every decision with its inputs. It measures JetStream over
// the client port, runs the policy of package keda/policy, and stores what follows in the stream HAL9_SCALING. Of several
// scalers one decides at a time; all serve what was decided last, as long as it is fresh. What can't be measured is an error: never
// nothing, never the maximum.
package scaling

import (
	"errors"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
)

// Config says how the scaler works.
type Config struct {
	Every  time.Duration                   // between measurements, 200ms to 1m; default 2 s
	Fresh  time.Duration                   // for which a decision is served, more than Every; default 15 s
	Limits func(layers.Name) policy.Config // what each layer is to be scaled for; default policy.DefaultConfig
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Every: 2 * time.Second, Fresh: 15 * time.Second,
		Limits: func(layers.Name) policy.Config { return policy.DefaultConfig() },
	}
}

// Validate reports every impossible value.
func (c Config) Validate() error {
	var problems []error
	if c.Every < 200*time.Millisecond || c.Every > time.Minute {
		problems = append(problems, fmt.Errorf("scaling: every %s: want 200ms to 1m", c.Every))
	}
	if c.Fresh <= c.Every {
		problems = append(problems, fmt.Errorf("scaling: fresh for %s: want more than the time between measurements, %s", c.Fresh, c.Every))
	}
	for _, layer := range layers.Names() {
		if err := c.Limits(layer).Validate(); err != nil {
			problems = append(problems, fmt.Errorf("scaling: %s: %w", layer, err))
		}
	}
	return errors.Join(problems...)
}
