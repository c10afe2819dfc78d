package implementation

import (
	"errors"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// Config bounds what L2 remembers. Its state is about 300 bytes per template.
type Config struct {
	// MaxSources is for how many sources templates are kept; the source not heard of for
	// longest is forgotten first. Default 1,000.
	MaxSources int
	// MaxTemplates is how many templates are kept per source; the template not seen for longest
	// is forgotten first. Default 5,000.
	MaxTemplates int
	// MaxTotal is how many templates are kept in all; the source not heard of for longest loses
	// its template not seen for longest. Default 20,000.
	MaxTotal int
	// Watched are conditions of L3's patterns: what one of them holds for climbs, routine or not. Default none.
	Watched []layers.Condition[layers.Signal]
	// Neurons say what else to look for; default none.
	Neurons []Neuron
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{MaxSources: 1000, MaxTemplates: 5000, MaxTotal: 20_000}
}

// Validate returns all problems, joined.
func (c *Config) Validate() error {
	const most = 1_000_000
	var problems []error
	for _, f := range []struct {
		name  string
		value int
	}{{"max sources", c.MaxSources}, {"max templates", c.MaxTemplates}, {"max total", c.MaxTotal}} {
		if f.value < 1 || f.value > most {
			problems = append(problems, fmt.Errorf("implementation: %s %d: want 1 to %d", f.name, f.value, most))
		}
	}
	if len(c.Neurons) > MaxNeurons {
		problems = append(problems, fmt.Errorf("implementation: %d neurons: want at most %d", len(c.Neurons), MaxNeurons))
	}
	for i := range c.Neurons {
		problems = append(problems, c.Neurons[i].validate(i))
	}
	return errors.Join(problems...)
}
